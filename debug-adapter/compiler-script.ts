/**
 * The script of the thread that compiles, `compiler-main.ts` with all that it needs: bundles bring it along
 * (`scripts/webpack/compiler-script.js` puts it here). Where the sources are run there is none, and no such thread.
 */
export const compilerScript: string | undefined = undefined as string | undefined;
