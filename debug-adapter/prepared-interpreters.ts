/**
 * The interpreters of this build, made when the bundle was (`scripts/webpack/prepared-interpreters.js` puts them here): what
 * takes a tenth of a second each is there in a hundredth. Where the sources are run there are none, and `vm-core` makes its own.
 */

/** WebAssembly modules by the size of addresses, deflated (RFC 1950), in base64. */
export const preparedInterpreters: Readonly<Partial<Record<32 | 64, string>>> = {};
