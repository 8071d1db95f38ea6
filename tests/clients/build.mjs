// Builds an app as its tool would: one script with a hash in its name, and a page that loads it.
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { build } from "esbuild";
import { compileScript, parse } from "vue/compiler-sfc";

const vue = {
  name: "vue",
  setup: (build) =>
    build.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const { descriptor } = parse(await readFile(path, "utf8"), { filename: path });
      return { contents: compileScript(descriptor, { id: "app", inlineTemplate: true }).content, loader: "js" };
    }),
};
const [entry, outdir] = process.argv.slice(2);
const { metafile } = await build({
  entryPoints: [entry],
  outdir,
  bundle: true,
  metafile: true,
  minify: true,
  format: "esm",
  entryNames: "assets/[name]-[hash]",
  jsx: "automatic",
  plugins: [vue],
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false" },
  tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
});
const script = basename(Object.keys(metafile.outputs).find((name) => name.endsWith(".js")));
await writeFile(
  `${outdir}/index.html`,
  `<!doctype html><title>App</title><link rel="icon" href="data:,"><div id="root"></div><div id="app"></div>` +
    `<app-root></app-root><script type="module" src="/assets/${script}"></script>`,
);
