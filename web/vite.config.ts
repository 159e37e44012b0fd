import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Everything that the page needs lies beside it: relative paths let any server serve it from any folder.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  resolve: { alias: { $lib: new URL('./src/lib', import.meta.url).pathname } },
  // KERN's sheets are written for an older Sass; what it warns of is KERN's to change.
  css: { preprocessorOptions: { scss: { quietDeps: true, silenceDeprecations: ['if-function'] } } },
  build: {
    outDir: '../src/rhinecloud/web',
    emptyOutDir: true,
    target: 'es2022',
    // A data: address of a script or font would break the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/ngsi-ld', '/live'].map((path) => [
        path,
        { target: process.env.RHINECLOUD_URL ?? 'http://127.0.0.1:8080', ws: true },
      ]),
    ),
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
