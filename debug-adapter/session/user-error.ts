/**
 * The second of the three kinds of errors: something the user or the host did. Each has a code from this table, which a
 * client sees as the id of the error message, and a text that names the thing and says what to do.
 */

/** DAP error ids by code. Ids are stable: clients may tell errors apart by them. */
export const errorIds = {
  'unknown-request': 1000,
  internal: 1001,
  'not-launched': 1100,
  'already-launched': 1101,
  'bad-argument': 1102,
  'cannot-read-file': 1104,
  'assembler-failed': 1105,
  ended: 1106,
  'bad-expression': 1200,
  'bad-address': 1201,
  'not-stopped': 1202,
  'not-writable': 1203,
  'no-such-variable': 1204,
  'no-exception': 1205,
} as const;

export type ErrorCode = keyof typeof errorIds;

/** Thrown by request handlers; the session answers the request with its text and goes on. */
export class UserError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'UserError';
    this.code = code;
  }
}
