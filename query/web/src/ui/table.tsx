// Tables of figures.

/** Text, or text that leads to rows. */
export type Entry = string | { text: string; href?: string }

/** A table whose first column names the row. */
export function SimpleTable({ head, rows }: { head: string[]; rows: Entry[][] }) {
  return (
    <table class="plain">
      <thead><tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row, number) => (
          <tr key={number}>
            {row.map((entry, index) => {
              const content = typeof entry === 'string' ? entry : entry.href ? <a href={entry.href}>{entry.text}</a> : entry.text
              return index === 0 ? <th key={index} scope="row">{content}</th> : <td key={index}>{content}</td>
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
