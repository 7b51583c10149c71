//! By which certificates a device trusts its server: those of the system, or those of a file.

use super::{ServerAddress, Trouble};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{path::Path, sync::Arc};

/// The TLS settings for that server; `None` for plain HTTP. With a `file`, only its certificates are trusted.
///
/// # Errors
/// A file without a usable certificate, a system without any, or a file for a server that does not speak TLS.
pub(super) fn tls(server: &ServerAddress, file: Option<&Path>) -> Result<Option<Arc<ClientConfig>>, Trouble> {
    let roots = match (server.is_secure(), file) {
        (false, None) => return Ok(None),
        (false, Some(_)) => return Err(Trouble::new(format!("{server} speaks no TLS: --ca is for https"))),
        (true, Some(file)) => of_file(file)?,
        (true, None) => of_system()?,
    };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| Trouble::new(error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // A WebSocket starts as a request of HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

fn of_file(file: &Path) -> Result<RootCertStore, Trouble> {
    let trouble = |why: &dyn std::fmt::Display| Trouble::new(format!("{}: {why}", file.display()));
    let pem = std::fs::read(file).map_err(|error| trouble(&error))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| trouble(&error))?;
        roots.add(certificate).map_err(|error| trouble(&error))?;
    }
    if roots.is_empty() {
        return Err(trouble(&"there is no certificate in PEM form in it"));
    }
    Ok(roots)
}

fn of_system() -> Result<RootCertStore, Trouble> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
        return Err(Trouble::new(format!(
            "this system has no certificates to know a server by (Debian: install ca-certificates){why}; or name the \
             server's own with --ca FILE"
        )));
    }
    Ok(roots)
}
