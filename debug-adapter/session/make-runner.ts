/** The run loop of a guest, joined to all that is to be told while it runs. */
import type { Host } from '../host.ts';
import { GuestOutput } from './guest-output.ts';
import type { Guest } from './guest.ts';
import type { GuestViews } from './guest-views.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';
import { Runner, type StopCause } from './runner.ts';
import type { SessionOutput } from './session-output.ts';
import type { Typist } from './typist.ts';

/** What a session does of its own while the guest runs. */
export interface RunnerSurroundings {
  readonly host: Host;
  readonly output: SessionOutput;
  readonly views: GuestViews;
  readonly typist: Typist;
  /** What the client calls itself. */
  readonly clientId: string | undefined;
  readonly stopped: (cause: StopCause) => void;
  readonly ended: (exitCode: number) => void;
}

/** Makes the run loop of a guest, whose text goes to the Debug Console from now on. */
export function makeRunner(guest: Guest, configuration: LaunchConfiguration, around: RunnerSurroundings): Runner {
  const { host, output, views, typist } = around;
  const guestOutput = new GuestOutput(
    configuration,
    (category, text) => output.write(category, text),
    () => host.now(),
    around.clientId,
  );
  guestOutput.attach(guest.machine);
  return new Runner({
    machine: guest.machine,
    host,
    realTime: configuration.realTime,
    listener: {
      stopped: (cause) => {
        guestOutput.flushAll();
        around.stopped(cause);
      },
      ended: (request) => {
        guestOutput.flushAll();
        around.ended(request.kind === 'exit' ? (request.value << 1) | 1 : 0);
      },
      reset: (why) => output.writeReset(why),
      sliceDone: () => {
        guestOutput.flush();
        typist.sliceDone();
        views.sliceDone();
      },
      haltedForGood: () => output.writeHaltedForGood(),
    },
  });
}
