// Icons, as strokes on a grid of 24.

const paths: Record<string, string> = {
  now: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3 2',
  volume: 'M5 20v-7M10 20V6M15 20v-10M20 20V3',
  speed: 'M4 18a9 9 0 1 1 16 0M12 15l4-6',
  quality: 'M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9L3.500 9.700l5.900-.8z',
  flow: 'M4 7h9a4 4 0 0 1 4 4v6M14 14l3 3 3-3M4 17h6',
  money: 'M12 3v18M16.500 7.500C15.500 6 14 5.500 12 5.500c-2.500 0-4.500 1.200-4.500 3.200 0 4.600 9.500 2.200 9.500 6.600 0 2-2 3.200-5 3.200-2.500 0-4-.8-5-2.300',
  people: 'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M2.500 20c.5-4 3-6 6.500-6s6 2 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .8 3.200 2.600 3.500 5.500',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  empty: 'M4 13l2.500-8h11L20 13v6H4zM4 13h5l1 2h4l1-2h5',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M15 5l-7 7 7 7',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  light: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M19 5l-1.400 1.400M6.400 17.600L5 19',
  dark: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z',
  status: 'M3 12h4l3-8 4 16 3-8h4',
  well: 'M5 12.500l4.500 4.500L19 7.500',
  watch: 'M12 7v6M12 17h.01M12 3l9.500 17h-19z',
  wrong: 'M6 6l12 12M18 6L6 18',
  code: 'M8 7l-5 5 5 5M16 7l5 5-5 5',
  exit: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
}

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
