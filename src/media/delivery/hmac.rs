//! Addresses that are signed by HMAC-SHA256 (RFC 2104), for CDNs that pass the query on to this server, or can compute it.

use super::Secret;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The query of an address. The signature is base64url of the HMAC of the address from its path to before `&signature=`.
pub(super) fn query(secret: &Secret, path: &str, expires_s: u64) -> String {
    let mac = mac(secret, path, expires_s).finalize().into_bytes();
    format!("expires={expires_s}&signature={}", URL_SAFE_NO_PAD.encode(mac))
}

/// Whether [`query`] made this signature. The comparison takes constant time.
pub(super) fn is_signed(secret: &Secret, path: &str, expires_s: u64, signature: &str) -> bool {
    let signature = URL_SAFE_NO_PAD.decode(signature);
    signature.is_ok_and(|signature| mac(secret, path, expires_s).verify_slice(&signature).is_ok())
}

fn mac(secret: &Secret, path: &str, expires_s: u64) -> Hmac<Sha256> {
    // A key may have any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("a key of any length");
    mac.update(format!("{path}?expires={expires_s}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };

    #[test]
    fn openssl_computes_the_same() {
        let secret = Secret::read("a secret of the CDN").unwrap();
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-binary", "-hmac", "a secret of the CDN"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        openssl.stdin.take().unwrap().write_all(b"/media/a.flac?expires=1700000000").unwrap();
        let mac = URL_SAFE_NO_PAD.encode(openssl.wait_with_output().unwrap().stdout);
        assert_eq!(query(&secret, "/media/a.flac", 1_700_000_000), format!("expires=1700000000&signature={mac}"));
        assert!(is_signed(&secret, "/media/a.flac", 1_700_000_000, &mac));
        for bad in ["", "é", &mac[1..], &format!("{mac}A")] {
            assert!(!is_signed(&secret, "/media/a.flac", 1_700_000_000, bad), "{bad}");
        }
    }
}
