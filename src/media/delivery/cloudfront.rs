//! Addresses as CloudFront checks them: a canned policy, signed by a key of a key group (Amazon CloudFront Developer Guide,
//! "Create a signed URL using a canned policy").

use super::SignError;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustls::{
    SignatureScheme,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::SigningKey,
};
use std::{fmt, sync::Arc};

/// How long a signature of RSA-2048 is, in bytes.
const RSA_2048_BYTES: usize = 256;

/// A private key, and the id that CloudFront has for its public key. Its `Debug` output has only the id.
pub struct CloudFrontKey {
    id: String,
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
}

impl CloudFrontKey {
    /// Reads a private key in PEM: ECDSA P-256 or RSA-2048, the two that CloudFront takes.
    ///
    /// # Errors
    /// What is wrong with it; completes the sentence "it …".
    pub fn read(id: &str, pem: &[u8]) -> Result<Self, String> {
        let wanted = "is no private key of ECDSA P-256 or RSA-2048";
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| format!("{wanted} in PEM: {error}"))?;
        let key = ring::sign::any_supported_type(&key).map_err(|error| format!("{wanted}: {error}"))?;
        let schemes = [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        let signer = key.choose_scheme(&schemes).ok_or_else(|| wanted.to_owned())?;
        let scheme = signer.scheme();
        let signature = signer.sign(b"").map_err(|error| format!("cannot sign: {error}"))?;
        if scheme == SignatureScheme::RSA_PKCS1_SHA256 && signature.len() != RSA_2048_BYTES {
            return Err(format!("is a key of RSA-{}: CloudFront takes RSA-2048 alone", signature.len() * 8));
        }
        Ok(Self { id: id.to_owned(), key, scheme })
    }

    /// The query of an address.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(super) fn query(&self, address: &str, expires_s: u64) -> Result<String, SignError> {
        let signer = self.key.choose_scheme(&[self.scheme]).ok_or(SignError)?;
        let signature = signer.sign(policy(address, expires_s).as_bytes()).map_err(|_| SignError)?;
        // Not base64url: CloudFront has an alphabet of its own.
        let signature = BASE64_STANDARD.encode(signature).replace('+', "-").replace('=', "_").replace('/', "~");
        let id = &self.id;
        // Without `Hash-Algorithm` it takes the signature for one of SHA-1.
        Ok(format!("Expires={expires_s}&Signature={signature}&Key-Pair-Id={id}&Hash-Algorithm=SHA256"))
    }
}

impl fmt::Debug for CloudFrontKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudFrontKey({}, …)", self.id)
    }
}

/// The canned policy, byte for byte as CloudFront makes it of the address.
fn policy(address: &str, expires_s: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{address}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires_s}}}}}}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path, process::Command};

    const ADDRESS: &str = "https://d111111abcdef8.cloudfront.net/media/0123456789abcdef0123456789abcdef.flac";

    fn openssl(folder: &Path, arguments: &str) -> String {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn key(folder: &Path, arguments: &str) -> Result<CloudFrontKey, String> {
        openssl(folder, arguments);
        CloudFrontKey::read("K2JCJMDEHXQW5F", &fs::read(folder.join("key.pem")).unwrap())
    }

    #[test]
    fn openssl_verifies_what_is_signed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for arguments in [
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
            "ecparam -name prime256v1 -genkey -noout -out key.pem",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
            "genrsa -traditional -out key.pem 2048",
        ] {
            let key = key(folder, arguments).unwrap();
            let query = key.query(ADDRESS, 1_767_225_600).unwrap();
            let rest = query.strip_prefix("Expires=1767225600&Signature=").unwrap();
            let signature = rest.strip_suffix("&Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256").unwrap();
            assert!(!signature.contains(['+', '=', '/', '%', '&']), "{signature}");
            let base64 = signature.replace('-', "+").replace('_', "=").replace('~', "/");
            fs::write(folder.join("signature"), BASE64_STANDARD.decode(base64).unwrap()).unwrap();
            // The text of the guide, without the line breaks that it says to remove.
            let policy =
                r#"{"Statement":[{"Resource":"ADDRESS","Condition":{"DateLessThan":{"AWS:EpochTime":1767225600}}}]}"#;
            fs::write(folder.join("policy"), policy.replace("ADDRESS", ADDRESS)).unwrap();
            openssl(folder, "pkey -in key.pem -pubout -out public.pem");
            let told = openssl(folder, "dgst -sha256 -verify public.pem -signature signature policy");
            assert_eq!(told, "Verified OK\n", "{arguments}");
        }
    }

    #[test]
    fn other_keys_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (arguments, why) in [
            ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem", "is no private key of ECDSA P-256"),
            ("genpkey -algorithm ED25519 -out key.pem", "is no private key of ECDSA P-256"),
            ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem", "is a key of RSA-3072"),
        ] {
            let error = key(folder.path(), arguments).expect_err(arguments);
            assert!(error.contains(why), "{error}");
        }
        let error = CloudFrontKey::read("K", b"-----BEGIN CERTIFICATE-----").expect_err("no key");
        assert!(error.contains("in PEM"), "{error}");
    }
}
