/** A webpack plugin that puts files into the output folder as they are. */
import { readFile } from 'node:fs/promises';
import webpack from 'webpack';

export class CopyFiles {
  /** @param {Record<string, string>} files names in the output folder and the absolute paths they come from */
  constructor(files) {
    this.files = files;
  }

  /** @param {webpack.Compiler} compiler */
  apply(compiler) {
    compiler.hooks.thisCompilation.tap('CopyFiles', (compilation) => {
      const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL;
      compilation.hooks.processAssets.tapPromise({ name: 'CopyFiles', stage }, async () => {
        for (const [name, path] of Object.entries(this.files)) {
          compilation.fileDependencies.add(path);
          compilation.emitAsset(name, new webpack.sources.RawSource(await readFile(path)));
        }
      });
    });
  }
}
