/** The certificate of the servers in these tests, created when it is first needed. */

import { execFileSync } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";

/** The server's host name, for pages from another machine. */
export const OTHER_MACHINE = "music.home.arpa";

/** @type {string | undefined} */
let made;

/** The key and the certificate in PEM form, one after the other. */
export function certificate() {
  made ??= execFileSync(
    "openssl",
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      "-",
      "-out",
      "-",
      "-days",
      "2",
      "-subj",
      `/CN=${OTHER_MACHINE}`,
      "-addext",
      `subjectAltName=DNS:${OTHER_MACHINE}`,
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return made;
}

/** The fingerprint by which the browser trusts the key: the base64 of the SHA-256 of the public key. */
export function fingerprint() {
  const key = new X509Certificate(certificate().replace(/^[\s\S]*?(?=-----BEGIN CERTIFICATE-----)/, "")).publicKey;
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("base64");
}
