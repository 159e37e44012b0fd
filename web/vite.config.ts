import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { HtmlTagDescriptor, Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** What the first page needs beside the entry, by the end of the module's path. */
const FIRST_PAGE = ['/views/SituationPage.svelte', '/map/CityMap.svelte'];

/** Has the page load the chunks of the first page while it starts and somebody signs in, instead of afterwards. */
function preloadFirstPage(): Plugin {
  return {
    name: 'preload-first-page',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle = {} }) {
        const entries = Object.values(bundle).filter((each) => each.type === 'chunk' && each.isEntry);
        const known = entries.flatMap((each) => (each.type === 'chunk' ? each.imports : []));
        const wanted = new Set<string>();
        const styles = new Set<string>();
        const add = (name: string): void => {
          const chunk = bundle[name];
          if (chunk?.type !== 'chunk' || chunk.isEntry || known.includes(name) || wanted.has(name)) return;
          wanted.add(name);
          chunk.viteMetadata?.importedCss.forEach((each) => styles.add(each));
          chunk.imports.forEach(add);
        };
        for (const [name, chunk] of Object.entries(bundle)) {
          const id = chunk.type === 'chunk' ? (chunk.facadeModuleId ?? '') : '';
          if (FIRST_PAGE.some((path) => id.endsWith(path))) add(name);
        }
        const link = (attrs: Record<string, string>, name: string): HtmlTagDescriptor => ({
          tag: 'link',
          attrs: { ...attrs, crossorigin: true, fetchpriority: 'low', href: `./${name}` },
          injectTo: 'head',
        });
        return [
          ...[...wanted].map((name) => link({ rel: 'modulepreload' }, name)),
          ...[...styles].map((name) => link({ rel: 'preload', as: 'style' }, name)),
        ];
      },
    },
  };
}

// Everything that the page needs lies beside it: relative paths let any server serve it from any folder.
export default defineConfig({
  base: './',
  plugins: [svelte(), preloadFirstPage()],
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
    // How long plugins take says nothing to whoever builds the page.
    rolldownOptions: { checks: { pluginTimings: false } },
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
