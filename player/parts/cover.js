/** Covers in the size that is shown, with an icon where there is no cover. */

import { own } from "../api.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * The smallest picture that is large enough for this screen.
 * @param {{url: string, width: number}[]} images @param {number} pixels
 */
function best(images, pixels) {
  const wanted = pixels * Math.min(2, devicePixelRatio || 1);
  const bySize = [...images].sort((a, b) => a.width - b.width);
  return (bySize.find((image) => image.width >= wanted) ?? bySize.at(-1))?.url;
}

/**
 * @param {{images?: {url: string, width: number}[], cover_url?: string | null} | undefined} thing
 * @param {number} pixels its size on the page @param {string} [stand_in] the icon to show without a picture
 */
export function cover(thing, pixels, stand_in = "album") {
  const holder = h("span", { class: "cover" }, icon(stand_in));
  const url = thing && (best(thing.images ?? [], pixels) ?? thing.cover_url);
  if (url) {
    const image = h("img", {
      src: own(url),
      alt: "",
      loading: "lazy",
      decoding: "async",
      width: pixels,
      height: pixels,
    });
    image.addEventListener("error", () => image.remove());
    image.addEventListener("load", () => holder.classList.add("loaded"));
    holder.append(image);
  }
  return holder;
}
