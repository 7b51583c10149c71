//! Where the buckets are, and from the options to a client for one of them.

use super::keys::KeyFile;
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig, StaticCredentialProvider,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredential},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The pause before the first of the further tries; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest of those pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the buckets are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageOptions {
    /// The address of the service; `None` for Amazon S3, or what the environment names.
    pub endpoint: Option<String>,
    /// The region; `None` for what the environment names, else us-east-1.
    pub region: Option<String>,
    /// Whether the bucket is the first part of the path, and not of the host's name.
    pub path_style: bool,
    /// A file with credentials; `None` for those of the environment or of the machine.
    pub key_file: Option<PathBuf>,
}

/// How long requests may take, and how often they are tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestLimits {
    /// For connecting.
    pub(super) connect: Duration,
    /// Between two bytes of an answer.
    pub(super) silence: Duration,
    /// No other try begins after this.
    pub(super) tries_end: Duration,
    /// How many tries follow after the first.
    pub(super) more_tries: usize,
}

impl StorageOptions {
    /// A client for a bucket. Reads the key file, if there is one: blocks shortly.
    ///
    /// # Errors
    /// Options that cannot be used, in words.
    pub(super) fn client(&self, bucket: &str, limits: RequestLimits) -> Result<AmazonS3, String> {
        // The one that the rest of the program uses; without one the client panics. There may be one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = ClientOptions::new()
            .with_connect_timeout(limits.connect)
            .with_timeout_disabled()
            .with_read_timeout(limits.silence);
        let backoff = BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 };
        let retry = RetryConfig { backoff, max_retries: limits.more_tries, retry_timeout: limits.tries_end };
        let is_plain = self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_retry(retry)
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(!self.path_style);
        if is_plain {
            builder = builder.with_allow_http(true);
        }
        if let Some(endpoint) = &self.endpoint {
            let endpoint = if self.path_style { endpoint.clone() } else { hosted(endpoint, bucket) };
            // The key that is stronger than what the environment says.
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(path) = &self.key_file {
            let KeyFile { access_key_id, secret_access_key, session_token } = KeyFile::read(path)?;
            let keys = AwsCredential { key_id: access_key_id, secret_key: secret_access_key, token: session_token };
            builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(keys)));
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// The endpoint of a bucket whose name is the first part of the host's name.
fn hosted(endpoint: &str, bucket: &str) -> String {
    endpoint
        .split_once("://")
        .map_or_else(|| endpoint.to_owned(), |(scheme, host)| format!("{scheme}://{bucket}.{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_the_first_part_of_the_hosts_name() {
        assert_eq!(hosted("https://s3.example.org", "music"), "https://music.s3.example.org");
    }
}
