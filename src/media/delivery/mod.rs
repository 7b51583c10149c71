//! Addresses of media at a CDN or in object storage, with signatures that those check. Pure: keys, paths and times are arguments.

mod cloudfront;
mod hmac;
mod presigned;
mod secret;
mod secure_link;

pub use cloudfront::CloudFrontKey;
pub use presigned::Presigner;
pub use secret::Secret;

/// The length of a day in seconds.
const DAY_S: u64 = 24 * 60 * 60;

/// When an address that is signed at `now_s` expires, both in seconds since 1970: at the second midnight (UTC) from then. Each
/// works for 24 to 48 hours, longer than anybody plays or pauses a track, and all addresses of a version that are signed on
/// one day are the same text, so that browsers find the bytes in their cache.
#[must_use]
pub const fn expiry_s(now_s: u64) -> u64 {
    (now_s / DAY_S).saturating_add(2).saturating_mul(DAY_S)
}

/// The path of the bytes of a version, here and at a CDN. `container` (`flac`, say) becomes the extension.
#[must_use]
pub fn media_path(version: &str, container: &str) -> String {
    format!("/media/{version}.{container}")
}

/// A CDN before this server: it fetches media from `/media/…` of a node and keeps them.
#[derive(Debug)]
pub struct Cdn {
    /// The start of its addresses, without a slash at the end.
    url: String,
    signer: UrlSigner,
    /// What it sends with its own requests to this server, to show who it is.
    origin_secret: Option<Secret>,
}

/// How the addresses at a CDN are signed.
#[derive(Debug)]
pub enum UrlSigner {
    /// As CloudFront checks them, by a canned policy.
    CloudFront(CloudFrontKey),
    /// As nginx' `secure_link_md5` checks them.
    SecureLink(Secret),
    /// By HMAC-SHA256, which this server checks when the CDN asks it with the whole address.
    Hmac(Secret),
}

impl Cdn {
    /// A CDN whose addresses begin with `url`, which has no slash at the end.
    #[must_use]
    pub const fn new(url: String, signer: UrlSigner, origin_secret: Option<Secret>) -> Self {
        Self { url, signer, origin_secret }
    }

    /// The signed address of `path`, which begins with a slash and needs no escapes; it works until `expires_s` seconds
    /// since 1970.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn address(&self, path: &str, expires_s: u64) -> Result<String, SignError> {
        let address = format!("{}{path}", self.url);
        let query = match &self.signer {
            UrlSigner::CloudFront(key) => key.query(&address, expires_s)?,
            UrlSigner::SecureLink(secret) => secure_link::query(secret, path_of(&address), expires_s),
            UrlSigner::Hmac(secret) => hmac::query(secret, path, expires_s),
        };
        Ok(format!("{address}?{query}"))
    }

    /// Whether `text` is what the CDN sends with its requests to this server.
    #[must_use]
    pub fn is_origin_secret(&self, text: &[u8]) -> bool {
        self.origin_secret.as_ref().is_some_and(|secret| secret.is(text))
    }

    /// Whether this server signed `path` until `expires_s`; always false where the CDN itself checks the signatures.
    #[must_use]
    pub fn is_signed(&self, path: &str, expires_s: u64, signature: &str) -> bool {
        matches!(&self.signer, UrlSigner::Hmac(secret) if hmac::is_signed(secret, path, expires_s, signature))
    }

    /// Its origin as browsers write it (RFC 6454, section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        self.url.split_at(self.url.len() - path_of(&self.url).len()).0
    }
}

/// A key that cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignError;

impl std::fmt::Display for SignError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the key of the CDN cannot sign addresses")
    }
}

impl std::error::Error for SignError {}

/// The path of an address; empty at the root of a name.
fn path_of(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.find('/').and_then(|start| rest.get(start..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cdn(url: &str, signer: UrlSigner) -> Cdn {
        Cdn::new(url.to_owned(), signer, Some(Secret::read("what the CDN says").unwrap()))
    }

    #[test]
    fn an_origin_is_the_address_without_its_path() {
        let signer = || UrlSigner::Hmac(Secret::read("0123456789abcdef").unwrap());
        for (url, origin) in [
            ("https://cdn.example.org", "https://cdn.example.org"),
            ("https://cdn.example.org/segue", "https://cdn.example.org"),
            ("http://[::1]:8080/a/b", "http://[::1]:8080"),
        ] {
            assert_eq!(cdn(url, signer()).origin(), origin);
        }
    }

    #[test]
    fn only_the_secret_of_the_cdn_is_its_secret() {
        let signer = UrlSigner::SecureLink(Secret::read("0123456789abcdef").unwrap());
        let cdn = cdn("https://cdn.example.org", signer);
        assert!(cdn.is_origin_secret(b"what the CDN says"));
        for other in ["", "what the CDN say", "0123456789abcdef"] {
            assert!(!cdn.is_origin_secret(other.as_bytes()), "{other}");
        }
        assert!(!Cdn { origin_secret: None, ..cdn }.is_origin_secret(b""));
    }

    #[test]
    fn this_server_checks_what_it_signed_by_hmac_and_nothing_else() {
        let hmac = || UrlSigner::Hmac(Secret::read("0123456789abcdef").unwrap());
        let below = cdn("https://cdn.example.org/segue", hmac());
        let address = below.address("/media/a.flac", 100).unwrap();
        let signature =
            address.strip_prefix("https://cdn.example.org/segue/media/a.flac?expires=100&signature=").unwrap();
        assert!(below.is_signed("/media/a.flac", 100, signature));
        assert!(!below.is_signed("/media/a.flac", 101, signature));
        assert!(!below.is_signed("/media/b.flac", 100, signature));
        let other = UrlSigner::Hmac(Secret::read("0123456789abcdeg").unwrap());
        assert!(!cdn("https://cdn.example.org", other).is_signed("/media/a.flac", 100, signature));
        let nginx = UrlSigner::SecureLink(Secret::read("0123456789abcdef").unwrap());
        assert!(!cdn("https://cdn.example.org", nginx).is_signed("/media/a.flac", 100, signature));
    }
}
