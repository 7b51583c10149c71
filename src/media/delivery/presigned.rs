//! Addresses of objects as services of object storage check them: AWS Signature Version 4 in the query (Amazon S3 API
//! Reference, "Authenticating Requests: Using Query Parameters").

use super::DAY_S;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// How long an address works from the day's begin on, in seconds; seven days are the most.
const LASTS_S: u64 = 2 * DAY_S;
/// What the parts of a signed path and query have to escape.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path.
const ESCAPED_PATH: &AsciiSet = &ESCAPED.remove(b'/');
/// What the service says to caches with the bytes: an object that is named by its SHA-256 never changes.
const CACHING: &str = "private, max-age=31536000, immutable";

/// Signs the addresses of the objects of a bucket. Its `Debug` output has no secret.
pub struct Presigner {
    /// Scheme and host.
    origin: String,
    /// What stands before the key, without a slash at the end: the bucket, where it is not in the host's name.
    path: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Presigner {
    /// For the bucket whose objects are below `address`, by a key that does not expire.
    #[must_use]
    pub fn new(address: &str, region: String, access_key_id: String, secret_access_key: String) -> Self {
        let address = address.trim_end_matches('/');
        let path = super::path_of(address);
        let origin = address.strip_suffix(path).unwrap_or(address);
        Self { origin: origin.to_owned(), path: path.to_owned(), region, access_key_id, secret_access_key }
    }

    /// Its origin as browsers write it (RFC 6454, section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address of the object at `key` for requests with this method, such as `GET`. It works from the begin of the day (UTC) of
    /// `now_s` on for two days, so for 24 to 48 hours, and is the same text for all who ask on one day.
    #[must_use]
    pub fn address(&self, method: &str, key: &str, content_type: &str, now_s: u64) -> String {
        let Self { origin, path, access_key_id, .. } = self;
        let path = format!("{path}/{}", utf8_percent_encode(key, ESCAPED_PATH));
        let day = day(now_s);
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let credential = format!("{access_key_id}/{scope}");
        let escaped = |text| utf8_percent_encode(text, ESCAPED);
        // In the order of the names, which the signature needs.
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={day}T000000Z&X-Amz-Expires={LASTS_S}&\
             X-Amz-SignedHeaders=host&response-cache-control={}&response-content-type={}",
            escaped(&credential),
            escaped(CACHING),
            escaped(content_type)
        );
        let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
        let signature = self.signature(method, &path, &query, host, &day, &scope);
        format!("{origin}{path}?{query}&X-Amz-Signature={signature}")
    }

    /// The signature of a request whose only signed header field is `Host`.
    fn signature(&self, method: &str, path: &str, query: &str, host: &str, day: &str, scope: &str) -> String {
        let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let text = format!("AWS4-HMAC-SHA256\n{day}T000000Z\n{scope}\n{}", hex(&Sha256::digest(request)));
        let secret = format!("AWS4{}", self.secret_access_key).into_bytes();
        let key = [day, &self.region, "s3", "aws4_request"].iter().fold(secret, |key, part| mac(&key, part));
        hex(&mac(&key, &text))
    }
}

impl fmt::Debug for Presigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presigner({}{}, …)", self.origin, self.path)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // A key may have any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The day of an instant as `YYYYMMDD`, UTC.
fn day(now_s: u64) -> String {
    let instant = i64::try_from(now_s).ok().and_then(|now_s| jiff::Timestamp::from_second(now_s).ok());
    instant.unwrap_or(jiff::Timestamp::MAX).strftime("%Y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of Amazon's examples.
    fn presigner(address: &str) -> Presigner {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        Presigner::new(address, "us-east-1".to_owned(), "AKIAIOSFODNN7EXAMPLE".to_owned(), secret.to_owned())
    }

    #[test]
    fn the_example_of_the_reference_has_the_same_signature() {
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&\
                     X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&\
                     X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host";
        let (host, scope) = ("examplebucket.s3.amazonaws.com", "20130524/us-east-1/s3/aws4_request");
        let signature = presigner("https://examplebucket.s3.amazonaws.com").signature(
            "GET",
            "/test.txt",
            query,
            host,
            "20130524",
            scope,
        );
        assert_eq!(signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    }

    #[test]
    fn an_address_is_the_same_text_for_a_day_and_lasts_for_two() {
        let presigner = presigner("http://[::1]:9000/music/");
        assert_eq!(presigner.origin(), "http://[::1]:9000");
        let at = |now_s| presigner.address("GET", "a b/é+~.flac", "audio/flac", now_s);
        // 2026-12-01, at midnight and a second before the next.
        let address = at(1_796_083_200);
        assert!(address.starts_with("http://[::1]:9000/music/a%20b/%C3%A9%2B~.flac?X-Amz-Algorithm="), "{address}");
        assert!(address.contains("&X-Amz-Date=20261201T000000Z&X-Amz-Expires=172800&"), "{address}");
        assert!(address.contains("&response-content-type=audio%2Fflac&X-Amz-Signature="), "{address}");
        assert_eq!(address, at(1_796_083_200 + DAY_S - 1));
        assert_ne!(address, at(1_796_083_200 + DAY_S));
        assert_ne!(address, presigner.address("HEAD", "a b/é+~.flac", "audio/flac", 1_796_083_200));
        assert_eq!(format!("{presigner:?}"), "Presigner(http://[::1]:9000/music, …)");
    }
}
