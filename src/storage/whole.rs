//! What is asked of whole objects: their SHA-256, copies, and whether pages of other origins may read them.

use super::{
    client::{MAX_PIECE, Storage, StorageResult, finish},
    error::{StorageError, StorageFailure},
};
use crate::{media::digest::Digest, values::object::ObjectUrl};
use object_store::{ObjectStoreExt as _, path::Path as Key, signer::Signer as _};
use reqwest::{Method, header};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// For how long an address with a signature is good.
const SIGNED_FOR: Duration = Duration::from_mins(5);

impl Storage {
    /// The SHA-256 of an object of this size and tag, which is read as a whole; `None` when `goes_on` returned false between
    /// two parts. Blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`].
    pub fn sum_blocking(
        &self,
        object: &ObjectUrl,
        size: u64,
        etag: Option<&str>,
        mut goes_on: impl FnMut() -> bool,
    ) -> StorageResult<Option<Digest>> {
        let (mut hash, mut at) = (Sha256::new(), 0);
        while at < size {
            if !goes_on() {
                return Ok(None);
            }
            let end = at.saturating_add(MAX_PIECE).min(size);
            hash.update(&self.get_blocking(object, at..end, etag)?.bytes);
            at = end;
        }
        Ok(Some(Digest(hash.finalize().into())))
    }

    /// Copies an object over another of its bucket, within the service. Blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`].
    pub fn copy_blocking(&self, from: &ObjectUrl, to: &ObjectUrl) -> StorageResult<()> {
        let asked = to.clone();
        let source = Key::parse(&from.key).map_err(|error| StorageError::of(from, &error.into()))?;
        let begun = self.ask(to, self.within(), move |client, key, _| async move {
            client.copy(&source, &key).await.map_err(|error| StorageError::of(&asked, &error))
        });
        finish(to, begun?.wait_blocking())
    }

    /// Why pages of `origin` cannot read this object and the `exposed` fields of the answer; `None` when they can. Blocks.
    ///
    /// # Errors
    /// See [`StorageFailure`].
    pub fn refusal_of_origin_blocking(
        &self,
        object: &ObjectUrl,
        origin: &str,
        exposed: &'static [&'static str],
    ) -> StorageResult<Option<String>> {
        let (asked, origin) = (object.clone(), origin.to_owned());
        let begun = self.ask(object, self.within(), move |client, key, _| async move {
            let signed = client.signed_url(Method::GET, &key, SIGNED_FOR).await;
            let url = signed.map_err(|error| StorageError::of(&asked, &error))?;
            // The address has a signature, which no text may show.
            let failed =
                |error: reqwest::Error| StorageError::new(StorageFailure::Unavailable, &asked, error.without_url());
            let request =
                reqwest::Client::new().get(url).header(header::ORIGIN, &origin).header(header::RANGE, "bytes=0-0");
            let answer = request.send().await.map_err(failed)?;
            if !answer.status().is_success() {
                let reason = format_args!("a signed address is answered with {}", answer.status());
                return Err(StorageError::new(StorageFailure::Refused, &asked, reason));
            }
            let field = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
            let allowed = field(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            if !matches!(allowed, Some("*")) && allowed != Some(origin.as_str()) {
                return Ok(Some("the answer has no Access-Control-Allow-Origin for it".to_owned()));
            }
            let listed = field(header::ACCESS_CONTROL_EXPOSE_HEADERS).unwrap_or_default().to_ascii_lowercase();
            let names: Vec<&str> = listed.split(',').map(str::trim).collect();
            // Pages can always read the length (Fetch, "CORS-safelisted response-header name").
            let always = |name: &str| ["content-length", "last-modified"].contains(&name);
            let is_hidden = |name: &&&str| {
                let name = name.to_ascii_lowercase();
                !always(&name) && !names.contains(&"*") && !names.contains(&name.as_str())
            };
            let hidden: Vec<&str> = exposed.iter().filter(is_hidden).copied().collect();
            let reason = format!("Access-Control-Expose-Headers lacks {}", hidden.join(", "));
            Ok(Some(reason).filter(|_| !hidden.is_empty()))
        });
        finish(object, begun?.wait_blocking())
    }
}
