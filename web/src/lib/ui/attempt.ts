// Runs the action of a button and announces its success or failure.

import type { Announcer } from './announcer.svelte';

/** Does it; tells whether it went well. `done` is said then. */
export async function attempt(
  announcer: Announcer,
  act: () => Promise<unknown>,
  done?: string,
): Promise<boolean> {
  try {
    await act();
    if (done) announcer.say('success', done);
    return true;
  } catch (problem) {
    announcer.say('danger', problem instanceof Error ? problem.message : String(problem));
    return false;
  }
}
