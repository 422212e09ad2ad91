import { defineConfig } from 'vite'

// Files get names with a hash of their content and live forever in caches; nothing is put into the page inline, which its
// Content-Security-Policy would refuse.
export default defineConfig({
  build: {
    outDir: 'dist/page',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
  },
})
