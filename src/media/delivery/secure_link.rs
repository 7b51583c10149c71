//! Addresses as nginx' module `secure_link` checks them (nginx.org, "`ngx_http_secure_link_module`").

use super::Secret;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use md5::{Digest as _, Md5};

/// The query of an address whose path is `path`, for the directives
/// `secure_link $arg_md5,$arg_expires` and `secure_link_md5 "$secure_link_expires$uri SECRET"`.
///
/// MD5 is what stock nginx computes. With the secret at the end a longer text cannot be signed without knowing it.
pub(super) fn query(secret: &Secret, path: &str, expires_s: u64) -> String {
    let digest = Md5::new_with_prefix(format!("{expires_s}{path} ")).chain_update(secret.bytes()).finalize();
    format!("expires={expires_s}&md5={}", URL_SAFE_NO_PAD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_of_nginx_documentation_compute_the_same() {
        let secret = Secret::read("secret secret secret").unwrap();
        let command = "printf %s '2147483647/s/link secret secret secret' | openssl md5 -binary | openssl base64 \
                       | tr +/ -_ | tr -d =";
        let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        let md5 = String::from_utf8(output.stdout).unwrap();
        assert_eq!(query(&secret, "/s/link", 2_147_483_647), format!("expires=2147483647&md5={}", md5.trim()));
    }
}
