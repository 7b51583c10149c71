//! How audio is delivered: by this server, by the proxy before it, or from elsewhere.

use super::{
    source::Shape,
    value::{Value, quote, single},
};
use crate::values::object::is_object;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Who sends the bytes of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// This server.
    #[default]
    Proxy,
    /// The nginx before it, which reads the file: `X-Accel-Redirect`.
    Accel,
    /// The CDN, to which clients are redirected.
    Cdn,
    /// The service that has the bucket, to which clients are redirected by presigned addresses.
    Presigned,
}

impl Delivery {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "proxy" => Ok(Self::Proxy),
            "accel" => Ok(Self::Accel),
            "cdn" => Ok(Self::Cdn),
            "presigned" => Ok(Self::Presigned),
            other => Err(format!("is \"proxy\", \"accel\", \"cdn\" or \"presigned\", not {other:?}")),
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Accel => "accel",
            Self::Cdn => "cdn",
            Self::Presigned => "presigned",
        }
    }
}

impl Value for Delivery {
    const SHAPE: Shape = Shape::Text;

    fn parse(texts: &[String]) -> Result<Self, String> {
        Self::read(single(texts)?)
    }

    fn show(&self) -> String {
        quote(self.text())
    }
}

/// The delivery of single folders or starts of keys in buckets: `FOLDER=DELIVERY` each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FolderDeliveries(Vec<(PathBuf, Delivery)>);

impl FolderDeliveries {
    /// That of the innermost folder that holds `path`.
    #[must_use]
    pub fn of(&self, path: &Path) -> Option<Delivery> {
        let holding = self.0.iter().filter(|(folder, _)| path.starts_with(folder));
        holding.max_by_key(|(folder, _)| folder.components().count()).map(|(_, delivery)| *delivery)
    }

    /// The folders.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(folder, _)| folder.as_path())
    }

    /// Whether a folder has this one.
    #[must_use]
    pub fn contain(&self, delivery: Delivery) -> bool {
        self.0.iter().any(|(_, other)| *other == delivery)
    }
}

impl Value for FolderDeliveries {
    const SHAPE: Shape = Shape::Paths;
    const KIND: &'static str = "DIR=DELIVERY";
    const IS_PATH: bool = true;

    fn parse(texts: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            let (folder, delivery) = text
                .rsplit_once('=')
                .ok_or_else(|| format!("is a list of texts such as \"/srv/music=proxy\", not {text:?}"))?;
            let mut folders = <Vec<PathBuf> as Value>::parse(&[folder.to_owned()])?;
            let folder = folders.pop().ok_or_else(|| "needs a folder".to_owned())?;
            Ok((folder, Delivery::read(delivery)?))
        };
        texts.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn show(&self) -> String {
        let shown = self.0.iter().map(|(folder, delivery)| quote(format!("{}={}", folder.display(), delivery.text())));
        format!("[{}]", shown.collect::<Vec<_>>().join(", "))
    }
}

/// Whose signatures the addresses at the CDN have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CdnSignature {
    /// HMAC-SHA256, which this server checks.
    #[default]
    Hmac,
    /// Those of nginx' module `secure_link`.
    Nginx,
    /// Those of Amazon CloudFront.
    CloudFront,
}

impl Value for CdnSignature {
    const SHAPE: Shape = Shape::Text;

    fn parse(texts: &[String]) -> Result<Self, String> {
        match single(texts)? {
            "hmac" => Ok(Self::Hmac),
            "nginx" => Ok(Self::Nginx),
            "cloudfront" => Ok(Self::CloudFront),
            other => Err(format!("is \"hmac\", \"nginx\" or \"cloudfront\", not {other:?}")),
        }
    }

    fn show(&self) -> String {
        quote(match self {
            Self::Hmac => "hmac",
            Self::Nginx => "nginx",
            Self::CloudFront => "cloudfront",
        })
    }
}

/// The id of a public key at CloudFront, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPairId(Option<String>);

impl KeyPairId {
    /// The id, if one was given.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Value for KeyPairId {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "ID";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let text = single(texts)?;
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(Some(text.to_owned()).filter(|text| !text.is_empty())));
        }
        Err(format!("is an id of letters and digits such as K2JCJMDEHXQW5F, not {text:?}"))
    }

    fn show(&self) -> String {
        quote(self.0.as_deref().unwrap_or_default())
    }
}

/// The path of a location within nginx, without a slash at the end, such as `/segue-files`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccelLocation(String);

impl AccelLocation {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccelLocation {
    fn default() -> Self {
        Self("/segue-files".to_owned())
    }
}

impl Value for AccelLocation {
    const SHAPE: Shape = Shape::Text;
    const KIND: &'static str = "LOCATION";

    fn parse(texts: &[String]) -> Result<Self, String> {
        let text = single(texts)?.trim_end_matches('/');
        let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_character);
        match text.strip_prefix('/') {
            Some(rest) if rest.split('/').all(is_segment) => Ok(Self(text.to_owned())),
            _ => Err(format!("is a path of letters, digits and -._~ such as /segue-files, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        quote(&self.0)
    }
}

/// What the settings of delivery are together.
#[derive(Debug, Clone, Copy)]
pub(super) struct DeliverySettings<'a> {
    pub(super) default: Delivery,
    pub(super) folders: &'a FolderDeliveries,
    pub(super) music: &'a [PathBuf],
    pub(super) has_proxies: bool,
    pub(super) signature: CdnSignature,
    pub(super) url: Option<&'a str>,
    pub(super) key_file: Option<&'a Path>,
    pub(super) key_id: Option<&'a str>,
    pub(super) secret_file: Option<&'a Path>,
    pub(super) origin_secret_file: Option<&'a Path>,
}

/// What is wrong between them.
pub(super) fn broken(given: &DeliverySettings<'_>) -> Vec<String> {
    let DeliverySettings { signature, url, key_file, key_id, secret_file, origin_secret_file, .. } = *given;
    let uses = |delivery| given.default == delivery || given.folders.contain(delivery);
    let signed_by = |wanted| url.is_some() && signature == wanted;
    let by_secret = signed_by(CdnSignature::Hmac) || signed_by(CdnSignature::Nginx);
    let files = [key_file, secret_file, origin_secret_file];
    let rules = [
        (
            uses(Delivery::Cdn) && url.is_none(),
            "delivery \"cdn\" needs cdn_url, the address to which clients are redirected",
        ),
        (url.is_some() && !uses(Delivery::Cdn), "cdn_url counts for nothing without delivery = \"cdn\""),
        (
            uses(Delivery::Accel) && !given.has_proxies,
            "delivery \"accel\" needs trusted_proxies or a Unix socket to listen at: only nginx before this server \
             understands X-Accel-Redirect",
        ),
        (by_secret && secret_file.is_none(), "cdn_signature \"hmac\" and \"nginx\" need cdn_secret_file"),
        (
            signed_by(CdnSignature::CloudFront) && (key_file.is_none() || key_id.is_none()),
            "cdn_signature \"cloudfront\" needs cdn_key_file and cdn_key_id",
        ),
        (
            url.is_some() && signature != CdnSignature::Hmac && origin_secret_file.is_none(),
            "cdn_signature \"nginx\" and \"cloudfront\" need cdn_origin_secret_file: the CDN shows that secret when it \
             fetches audio from this server",
        ),
        (
            url.is_none() && (key_id.is_some() || files.iter().any(Option::is_some)),
            "the files and the id of a CDN count for nothing without cdn_url",
        ),
    ];
    let rules = rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, why)| why.to_owned());
    rules.chain(misplaced(given)).collect()
}

/// The folders whose delivery is one for the other kind of place.
fn misplaced(given: &DeliverySettings<'_>) -> BTreeSet<String> {
    let music = given.music.iter().map(PathBuf::as_path);
    let all = music.chain(given.folders.folders()).filter_map(|folder| {
        let delivery = given.folders.of(folder).unwrap_or(given.default);
        let (is_object, folder) = (is_object(folder), folder.display());
        match (delivery, is_object) {
            (Delivery::Presigned, false) => Some(format!(
                "delivery \"presigned\" is for buckets, and {folder} is a folder on a disk: give it another in delivery_of"
            )),
            (Delivery::Accel, true) => Some(format!(
                "delivery \"accel\" is for files, and nginx cannot read {folder}: give it another in delivery_of"
            )),
            _ => None,
        }
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_innermost_folder_decides() {
        let all = FolderDeliveries::parse(&texts(&["/a=cdn", "/a/b=accel", "/x=y=proxy", "s3://mmm/e=presigned"]));
        let all = all.expect("good");
        assert_eq!(all.show(), r#"["/a=cdn", "/a/b=accel", "/x=y=proxy", "s3://mmm/e=presigned"]"#);
        for (path, delivery) in [
            ("/a/c.flac", Some(Delivery::Cdn)),
            ("/a/b/c.flac", Some(Delivery::Accel)),
            ("/a/bc.flac", Some(Delivery::Cdn)),
            ("/x=y/c.flac", Some(Delivery::Proxy)),
            ("/ab/c.flac", None),
            ("s3://mmm/e/c.flac", Some(Delivery::Presigned)),
            ("s3://mmm/ec.flac", None),
        ] {
            assert_eq!(all.of(Path::new(path)), delivery, "{path}");
        }
        for bad in ["/a", "/a=", "/a=redirect", "cdn", "s3://M=presigned"] {
            assert!(FolderDeliveries::parse(&texts(&[bad])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_location_is_a_path_of_plain_segments() {
        let read = |text| AccelLocation::parse(&texts(&[text])).map(|location| location.as_str().to_owned());
        assert_eq!(read("/segue-files/"), Ok("/segue-files".to_owned()));
        for bad in ["", "/", "a", "/a//b", "/..", "/a b", "/%41", "/\r\n"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_that_do_not_fit_together_are_named() {
        let (none, file) = (FolderDeliveries::default(), Some(Path::new("/file")));
        let plain = DeliverySettings {
            default: Delivery::Proxy,
            folders: &none,
            music: &[],
            has_proxies: false,
            signature: CdnSignature::Hmac,
            url: None,
            key_file: None,
            key_id: None,
            secret_file: None,
            origin_secret_file: None,
        };
        let cdn = DeliverySettings { default: Delivery::Cdn, url: Some("https://cdn.example.org"), ..plain };
        let nginx =
            DeliverySettings { signature: CdnSignature::Nginx, secret_file: file, origin_secret_file: file, ..cdn };
        let cloudfront = DeliverySettings {
            signature: CdnSignature::CloudFront,
            key_file: file,
            key_id: Some("K1"),
            secret_file: None,
            ..nginx
        };
        let inside = FolderDeliveries::parse(&texts(&["/music/live=cdn"])).expect("good");
        let (disk, bucket) = ([PathBuf::from("/music")], [PathBuf::from("s3://music/lib")]);
        let presigned = DeliverySettings { default: Delivery::Presigned, music: &bucket, ..plain };
        let accel = DeliverySettings { default: Delivery::Accel, has_proxies: true, music: &disk, ..plain };
        let elsewhere = FolderDeliveries::parse(&texts(&["/music=proxy", "s3://music/lib=presigned"])).expect("good");
        for good in [
            plain,
            presigned,
            DeliverySettings { music: &disk, folders: &elsewhere, ..presigned },
            DeliverySettings { music: &bucket, folders: &elsewhere, ..accel },
            nginx,
            cloudfront,
            DeliverySettings { secret_file: file, ..cdn },
            DeliverySettings { default: Delivery::Proxy, folders: &inside, ..nginx },
            accel,
        ] {
            assert_eq!(broken(&good), Vec::<String>::new(), "{good:?}");
        }
        let on_disk = FolderDeliveries::parse(&texts(&["/music=presigned"])).expect("read");
        for (bad, why) in [
            (DeliverySettings { url: None, ..cdn }, "needs cdn_url"),
            (DeliverySettings { default: Delivery::Proxy, ..nginx }, "cdn_url counts for nothing"),
            (DeliverySettings { default: Delivery::Accel, ..plain }, "needs trusted_proxies"),
            (DeliverySettings { music: &disk, ..presigned }, "\"presigned\" is for buckets, and /music is a folder"),
            (DeliverySettings { folders: &on_disk, ..plain }, "\"presigned\" is for buckets, and /music is a folder"),
            (DeliverySettings { music: &bucket, ..accel }, "nginx cannot read s3://music/lib"),
            (cdn, "need cdn_secret_file"),
            (DeliverySettings { secret_file: None, ..nginx }, "need cdn_secret_file"),
            (DeliverySettings { key_file: None, ..cloudfront }, "needs cdn_key_file"),
            (DeliverySettings { key_id: None, ..cloudfront }, "needs cdn_key_file"),
            (DeliverySettings { origin_secret_file: None, ..nginx }, "need cdn_origin_secret_file"),
            (DeliverySettings { secret_file: file, ..plain }, "count for nothing without cdn_url"),
        ] {
            let broken = broken(&bad);
            assert!(broken.len() == 1 && broken[0].contains(why), "{why}: {broken:?}");
        }
    }
}
