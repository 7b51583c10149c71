//! TLS of the server itself: a chain of certificates and its key as PEM files, read again when they change.

use crate::config::Settings;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// The certificate that new connections are shown.
#[derive(Debug)]
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    /// What the files held when they were last usable.
    read: Mutex<(Vec<u8>, Vec<u8>)>,
    current: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The TLS configuration of the server, and its certificate, which is reloaded whenever its files change; `None` where the
/// settings name no files. Call it on the event loop.
///
/// # Errors
/// Files that cannot be read or do not belong together; the message names them.
pub(super) fn open(settings: &Settings) -> io::Result<Option<(ServerConfig, Arc<Certificate>)>> {
    let (Some(chain), Some(key)) = (settings.tls_cert.clone(), settings.tls_key.clone()) else { return Ok(None) };
    let provider = Arc::new(ring::default_provider());
    let read = read(&chain, &key)?;
    let current = RwLock::new(Arc::new(certified((&chain, &read.0), (&key, &read.1), &provider)?));
    let read = Mutex::new(read);
    let certificate = Arc::new(Certificate { chain, key, provider: Arc::clone(&provider), read, current });
    let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificate>::clone(&certificate);
    let config = versions.map_err(io::Error::other)?.with_no_client_auth().with_cert_resolver(resolver);
    actix_web::rt::spawn(Arc::clone(&certificate).keep_up(Duration::from_millis(settings.poll_ms)));
    Ok(Some((config, certificate)))
}

impl Certificate {
    /// Reloads the files every `pause` when they have changed, for ever. Files that cannot be used are logged once, and the
    /// certificate from before them stays.
    async fn keep_up(self: Arc<Self>, pause: Duration) {
        let mut looks = interval_at(Instant::now() + pause, pause);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told: Option<String> = None;
        loop {
            looks.tick().await;
            let trouble = self.reload().await.err().map(|error| error.to_string());
            if let Some(trouble) = trouble.as_ref().filter(|trouble| told.as_ref() != Some(trouble)) {
                log::warn!("the new certificate is not used, the old one stays: {trouble}");
            }
            told = trouble;
        }
    }

    /// Uses what the files hold from now on if they have changed. Returns whether they have.
    ///
    /// # Errors
    /// Files that cannot be read or do not belong together; the certificate from before them stays.
    pub(super) async fn reload(self: &Arc<Self>) -> io::Result<bool> {
        let certificate = Arc::clone(self);
        let loaded = actix_web::web::block(move || certificate.load()).await;
        loaded.map_err(io::Error::other)?
    }

    fn load(&self) -> io::Result<bool> {
        let now = read(&self.chain, &self.key)?;
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == now {
            return Ok(false);
        }
        let certified = certified((&self.chain, &now.0), (&self.key, &now.1), &self.provider)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
        *known = now;
        log::info!("new connections get the new certificate of {}", self.chain.display());
        Ok(true)
    }
}

fn read(chain: &Path, key: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let file = |setting: &str, path: &Path| {
        let unreadable = |error: io::Error| {
            io::Error::new(error.kind(), format!("{setting}: {} cannot be read: {error}", path.display()))
        };
        fs::read(path).map_err(unreadable)
    };
    Ok((file("tls_cert", chain)?, file("tls_key", key)?))
}

fn certified(
    (chain, chain_pem): (&Path, &[u8]),
    (key, key_pem): (&Path, &[u8]),
    provider: &CryptoProvider,
) -> io::Result<CertifiedKey> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let no_chain = || invalid(format!("tls_cert: {} holds no certificate in PEM form", chain.display()));
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(chain_pem).collect::<Result<_, _>>().map_err(|_| no_chain())?;
    if certificates.is_empty() {
        return Err(no_chain());
    }
    let private = PrivateKeyDer::from_pem_slice(key_pem);
    let private =
        private.map_err(|_| invalid(format!("tls_key: {} holds no private key in PEM form", key.display())))?;
    CertifiedKey::from_der(certificates, private, provider).map_err(|error| {
        let (chain, key) = (chain.display(), key.display());
        invalid(format!("tls_cert and tls_key: {chain} and {key} do not belong together: {error}"))
    })
}
