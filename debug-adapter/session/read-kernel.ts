/** Reads a kernel that is to be booted directly, and what comes with it. */
import { localized } from '../protocol/localized.ts';
import type { KernelImages, KernelModule } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { assembleSource, isSource, type ReportMessages } from './assemble-source.ts';
import { fileSize, readWhole } from './host-files.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';
import { UserError } from './user-error.ts';

export interface KernelFiles {
  readonly images: KernelImages;
  /** Path of the image that is booted. */
  readonly image: string;
  /** The kernel's source and its listing, if it was assembled. */
  readonly source: { readonly path: string; readonly listing: string } | undefined;
}

/** Undefined without a kernel. Throws a UserError that names the launch argument and its file. */
export async function readKernel(
  { kernel, memorySize }: LaunchConfiguration,
  host: Host,
  report: ReportMessages,
): Promise<KernelFiles | undefined> {
  if (kernel === undefined) return undefined;
  const { path, commandLine, entry } = kernel;
  const assembled = isSource(path) ? await assembleSource('kernel', path, host, report) : undefined;
  const image = assembled?.image ?? path;
  const read = async (argument: string, file: string): Promise<Uint8Array> => {
    const size = await fileSize(host, argument, file);
    if (size <= memorySize) return readWhole(host, argument, file, memorySize);
    throw new UserError(
      'bad-argument',
      localized("{0}: {1} has {2} bytes, more than the guest's memory; raise memory", argument, file, size),
    );
  };
  const module = async (argument: string, file: string, words: string): Promise<KernelModule> => ({
    name: file,
    bytes: await read(argument, file),
    commandLine: words,
  });
  const modules: KernelModule[] = [];
  for (const entry of kernel.modules) modules.push(await module('modules', entry.path, entry.commandLine));
  return {
    images: {
      name: path,
      image: await read('kernel', image),
      commandLine,
      entry,
      modules,
      ...(kernel.initrd === undefined ? {} : { initrd: await module('initrd', kernel.initrd, '') }),
    },
    image,
    source: assembled?.listing === undefined ? undefined : { path, listing: assembled.listing },
  };
}
