/** Answers the calls of `Host` that a worker sends to the process it runs in. */
import type { Host } from '../debug-adapter/host.ts';
import type { HostCall, ToWorker } from '../debug-adapter/protocol/worker.ts';

/** The reply to call `id`; a failure becomes its message, so this never rejects. */
export async function answerHostCall(host: Host, id: number, call: HostCall): Promise<ToWorker> {
  try {
    return { channel: 'host-reply', id, value: await carryOut(host, call) };
  } catch (cause) {
    return { channel: 'host-reply', id, error: cause instanceof Error ? cause.message : String(cause) };
  }
}

function carryOut(host: Host, call: HostCall): Promise<unknown> {
  switch (call.method) {
    case 'fileSize':
      return host.fileSize(call.path);
    case 'readFile':
      return host.readFile(call.path, call.offset, call.length);
    case 'assemble':
      return host.assemble(call.source);
  }
}
