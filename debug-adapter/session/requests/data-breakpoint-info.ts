/** `dataBreakpointInfo`: whether memory can be watched, and under which id: by expression, or by address and length. */
import { localized } from '../../protocol/localized.ts';
import type { Debuggee } from '../debuggee.ts';
import { variablesOf } from '../cpu-ids.ts';
import type { Guest } from '../guest.ts';
import { UserError } from '../user-error.ts';
import { RegisterView } from '../register-view.ts';
import {
  describeWatched,
  formatDataId,
  physicalOf,
  placeAtAddress,
  placeOfExpression,
  spaceOfMode,
  type WatchPlace,
} from '../watch-places.ts';
import type { Arguments, Body } from './request-types.ts';
import type { HandlerOf } from './request-handler.ts';
import { exactPlace, parseReference } from '../places.ts';
import { formatHex } from '../../expressions/format.ts';

export const dataBreakpointInfo: HandlerOf<'dataBreakpointInfo'> = {
  capabilities: { supportsDataBreakpoints: true, supportsDataBreakpointBytes: true },
  handle(debuggee, given) {
    try {
      const guest = guestAskedOf(debuggee, given);
      return describe(placeAskedFor(debuggee, guest, given));
    } catch (error) {
      // That something cannot be watched, and why, is an answer and not an error.
      if (error instanceof UserError) return { dataId: null, description: error.message };
      throw error;
    }
  },
};

/** Names mean what they mean to the processor whose variable or frame the user has before him. */
function guestAskedOf(debuggee: Debuggee, { variablesReference, frameId }: Arguments<'dataBreakpointInfo'>): Guest {
  if (variablesReference !== undefined) return variablesOf(debuggee.guest, variablesReference).guest;
  return debuggee.guestOfFrame(frameId);
}

function placeAskedFor(debuggee: Debuggee, guest: Guest, given: Arguments<'dataBreakpointInfo'>): WatchPlace {
  if (given.asAddress) return placeAtAddress(guest, given.name, given.bytes, modeOf(given));
  const expression = expressionOf(debuggee, guest, given);
  const place = expression === undefined ? undefined : placeOfExpression(guest, expression, given.bytes, modeOf(given));
  if (place) return place.space === 'physical' ? inPhysical(guest, place) : place;
  throw new UserError(
    'bad-address',
    localized('{0} is no memory; a label, byte[…], word[…], dword[…], qword[…] or an address is', given.name),
  );
}

function modeOf({ mode }: Arguments<'dataBreakpointInfo'>): WatchPlace['space'] {
  return spaceOfMode(mode);
}

/** Variables are registers or parts of them; what they are called when evaluated is what is asked about. */
function expressionOf(debuggee: Debuggee, guest: Guest, given: Arguments<'dataBreakpointInfo'>): string | undefined {
  if (given.variablesReference === undefined) return given.name;
  const { variables } = variablesOf(guest, given.variablesReference);
  const children = new RegisterView(guest, debuggee.registersBefore(guest)).children(variables);
  return children?.find(({ variable }) => variable.name === given.name)?.variable.evaluateName;
}

/** A label stays a label, which is looked up in its guest; other addresses are translated now. */
function inPhysical(guest: Guest, place: WatchPlace): WatchPlace {
  if (guest.symbols.label(place.name) !== undefined) return place;
  return { ...place, name: formatHex(physicalOf(guest, exactPlace(parseReference(place.name)).address), 32) };
}

function describe(place: WatchPlace): Body<'dataBreakpointInfo'> {
  return {
    dataId: formatDataId(place),
    description: describeWatched(place),
    accessTypes: ['read', 'write', 'readWrite'],
    canPersist: true,
  };
}
