// Figures by two dimensions, as a table whose cells are shaded: the heat map of the week, and transfers from whom to whom.

export interface Cell {
  value: number
  text: string
  label: string
  href?: string
}

interface GridProps {
  label: string
  columns: string[]
  rows: { name: string; cells: (Cell | null)[] }[]
  corner?: string
  dense?: boolean
}

const shades = 8

export function Grid({ label, columns, rows, corner, dense }: GridProps) {
  const most = Math.max(...rows.flatMap((row) => row.cells.map((cell) => cell?.value ?? 0)), 1)
  const shade = (value: number) => (value <= 0 ? 0 : Math.max(1, Math.round((value / most) * shades)))
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class={`grid${dense ? ' dense' : ''}`}>
        <thead><tr><th scope="col">{corner ?? <span class="sr">Row</span>}</th>{columns.map((name, index) => <th key={index} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              {row.cells.map((cell, index) => (
                <td key={index} class={`s${shade(cell?.value ?? 0)}`}>
                  {cell && (cell.href && cell.value ? <a href={cell.href} aria-label={cell.label} title={cell.label}>{cell.text}</a> : <span title={cell.label}>{cell.text}</span>)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
