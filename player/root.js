/** Where the player is served. Its own addresses, such as `/albums`, are below that path. */

/**
 * The path before each address of the player, without a slash at the end: empty, or such as `/music`. It is that of the
 * page's `<base>`, which the server takes from its setting `public_url`.
 */
export const ROOT = new URL(document.baseURI).pathname.replace(/\/$/, "");

/** The whole path of an address of the player. @param {string} address */
export const outside = (address) => ROOT + address;

/** The address within the player that a whole path stands for. @param {string} pathname */
export function within(pathname) {
  if (pathname === ROOT) return "/";
  return pathname.startsWith(`${ROOT}/`) ? pathname.slice(ROOT.length) : pathname;
}

/** The name of a store of the browser; two servers below one origin do not share any. @param {string} name */
export const stored = (name) => (ROOT ? `${name} ${ROOT}` : name);
