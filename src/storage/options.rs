//! Where the buckets are, and from the options to a client for one of them.

use super::keys::KeyFile;
use crate::media::delivery::Presigner;
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
#[derive(Debug, Clone, Copy, Default)]
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
        let mut builder = self.builder(bucket, limits);
        if let Some(path) = &self.key_file {
            let KeyFile { access_key_id, secret_access_key, session_token } = KeyFile::read(path)?;
            let keys = AwsCredential { key_id: access_key_id, secret_key: secret_access_key, token: session_token };
            builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(keys)));
        }
        builder.build().map_err(|error| error.to_string())
    }

    /// What signs the addresses of objects of a bucket; `None` without a key, or with a temporary one: the addresses would
    /// end with it, in the middle of a track perhaps. Reads the key file, if there is one: blocks shortly.
    ///
    /// # Errors
    /// What is wrong with the key file.
    pub fn presigner(&self, bucket: &str) -> Result<Option<Presigner>, String> {
        let builder = self.builder(bucket, RequestLimits::default());
        let of = |key| builder.get_config_value(&key);
        let keys = match &self.key_file {
            Some(path) => Some(KeyFile::read(path)?),
            None => of(AmazonS3ConfigKey::AccessKeyId).zip(of(AmazonS3ConfigKey::SecretAccessKey)).map(
                |(access_key_id, secret_access_key)| KeyFile {
                    access_key_id,
                    secret_access_key,
                    session_token: of(AmazonS3ConfigKey::Token),
                },
            ),
        };
        let Some(KeyFile { access_key_id, secret_access_key, session_token: None }) = keys else { return Ok(None) };
        let region = of(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = of(AmazonS3ConfigKey::S3Endpoint).or_else(|| of(AmazonS3ConfigKey::Endpoint));
        let address = match (endpoint, self.path_style) {
            (Some(endpoint), false) => endpoint,
            (Some(endpoint), true) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            (None, false) => format!("https://{bucket}.s3.{region}.amazonaws.com"),
            (None, true) => format!("https://s3.{region}.amazonaws.com/{bucket}"),
        };
        Ok(Some(Presigner::new(&address, region, access_key_id, secret_access_key)))
    }

    /// What the options and the environment say of a bucket, without the key file.
    fn builder(&self, bucket: &str, limits: RequestLimits) -> AmazonS3Builder {
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
        builder
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

    #[test]
    fn addresses_are_signed_for_the_host_of_the_bucket_by_a_key_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let plain = "access_key_id = \"AK\"\nsecret_access_key = \"SK\"\n";
        let options = |endpoint: Option<&str>, path_style| StorageOptions {
            endpoint: endpoint.map(str::to_owned),
            region: Some("eu-central-1".to_owned()),
            path_style,
            key_file: Some(keys.clone()),
        };
        std::fs::write(&keys, plain).unwrap();
        for (endpoint, path_style, begin) in [
            (None, false, "https://music.s3.eu-central-1.amazonaws.com/a?"),
            (None, true, "https://s3.eu-central-1.amazonaws.com/music/a?"),
            (Some("https://s3.example.org"), false, "https://music.s3.example.org/a?"),
            (Some("https://s3.example.org/"), true, "https://s3.example.org/music/a?"),
        ] {
            let presigner = options(endpoint, path_style).presigner("music").unwrap().expect("a key that stays");
            let address = presigner.address("GET", "a", "audio/flac", 0);
            assert!(address.starts_with(begin) && address.contains("%2Feu-central-1%2Fs3%2F"), "{address}");
        }
        std::fs::write(&keys, format!("{plain}session_token = \"T\"\n")).unwrap();
        assert!(options(None, false).presigner("music").unwrap().is_none());
        std::fs::write(&keys, "").unwrap();
        assert!(options(None, false).presigner("music").is_err());
    }
}
