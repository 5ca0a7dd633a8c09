//! Where objects are when they are not files.

use std::fmt;

/// A bucket of an S3, and a prefix in it that is ours alone. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// What every key begins with, without a slash at either end; empty: nothing.
    pub prefix: String,
    /// `https://host:port` of the service; `None`: Amazon's, by the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Who asks.
    pub access_key: String,
    /// What proves it.
    pub secret_key: String,
}

/// Why a text is no place for objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotS3 {
    /// It begins otherwise.
    #[error("it does not begin with s3://; leave it empty for files in the data folder")]
    Scheme,
    /// No bucket, or none that S3 takes: 3 to 63 of `[a-z0-9.-]`.
    #[error("it names no bucket; write \"s3://bucket\" or \"s3://bucket/prefix\"")]
    Bucket,
    /// A part of the prefix that is empty, a dot or two, or has other than `[A-Za-z0-9._-]`.
    #[error("its prefix may have letters, digits, and . _ - between single slashes")]
    Prefix,
    /// The endpoint is no such address.
    #[error("the endpoint is no address such as \"https://s3.example.com\"")]
    Endpoint,
    /// Without keys nothing private can be read.
    #[error("the access key and the secret key are needed")]
    Keys,
}

impl S3Place {
    /// Reads `s3://bucket/prefix`, and what belongs to it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(url: &str, endpoint: &str, region: &str, access_key: &str, secret_key: &str) -> Result<Self, NotS3> {
        let rest = url.strip_prefix("s3://").ok_or(NotS3::Scheme)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
            return Err(NotS3::Bucket);
        }
        let prefix = prefix.trim_end_matches('/');
        let part = |part: &str| {
            let plain = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
            plain && !["", ".", ".."].contains(&part)
        };
        if !prefix.is_empty() && !prefix.split('/').all(part) {
            return Err(NotS3::Prefix);
        }
        let is_address = url::Url::parse(endpoint).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.query().is_none()
        });
        if !endpoint.is_empty() && !is_address {
            return Err(NotS3::Endpoint);
        }
        if access_key.is_empty() || secret_key.is_empty() {
            return Err(NotS3::Keys);
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: Some(endpoint.trim_end_matches('/').to_owned()).filter(|endpoint| !endpoint.is_empty()),
            region: region.to_owned(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        })
    }
}

impl fmt::Display for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.bucket, self.prefix)?;
        self.endpoint.as_ref().map_or(Ok(()), |endpoint| write!(f, " at {endpoint}"))
    }
}

impl fmt::Debug for S3Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_the_secret_is_never_shown() {
        let place = S3Place::parse("s3://videos/a/b/", "http://127.0.0.1:8333/", "x", "me", "s3cret").unwrap();
        assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("videos", "a/b"));
        assert_eq!(format!("{place} {place:?}").replace("s3://videos/a/b at http://127.0.0.1:8333", "P"), "P P");
    }

    #[test]
    fn what_is_no_place_is_told_so() {
        let check = |url: &str, endpoint: &str, key: &str, why: NotS3| {
            assert_eq!(S3Place::parse(url, endpoint, "", key, key), Err(why), "{url} {endpoint}");
        };
        check("/var/objects", "", "k", NotS3::Scheme);
        check("s3://", "", "k", NotS3::Bucket);
        check("s3://Videos", "", "k", NotS3::Bucket);
        check("s3://videos//a", "", "k", NotS3::Prefix);
        check("s3://videos/../a", "", "k", NotS3::Prefix);
        check("s3://videos", "127.0.0.1:8333", "k", NotS3::Endpoint);
        check("s3://videos", "", "", NotS3::Keys);
    }
}
