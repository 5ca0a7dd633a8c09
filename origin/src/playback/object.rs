//! Initialisation and media segments, which never change under their address, and pictures: objects, opened.

use std::io::Read;

use bytes::Bytes;
use durable::{ObjectId, Objects, Opened, StoreError};

use super::answer::{Body, Bytestream};
use crate::limits::READ_WHOLE_BYTES_MAX;

/// Which kind an object is, for its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Init,
    Media,
    /// A poster or a sheet of a storyboard.
    Still,
}

/// Opens an object; small ones are read at once.
pub(super) async fn open(objects: &Objects, id: ObjectId, kind: Kind, picture: bool) -> Result<Body, StoreError> {
    let (length, stream) = match objects.opened(id).await? {
        (Opened::Memory(bytes), length) => (length, Bytestream::Memory(bytes)),
        (Opened::Remote, length) => (length, Bytestream::Remote(objects.clone(), id)),
        (Opened::File(file), length) if length > READ_WHOLE_BYTES_MAX => (length, Bytestream::File(file)),
        (Opened::File(mut file), length) => {
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = Vec::with_capacity(length as usize);
                file.read_to_end(&mut bytes).map(|_| bytes)
            });
            let bytes = read.await.ok().and_then(Result::ok).ok_or(StoreError::Missing(id))?;
            (bytes.len() as u64, Bytestream::Memory(Bytes::from(bytes)))
        }
    };
    Ok(Body {
        etag: id,
        content_type: match (kind, picture) {
            (Kind::Init, true) => "video/mp4",
            (Kind::Init, false) => "audio/mp4",
            (Kind::Media, _) => "video/iso.segment",
            (Kind::Still, _) => "image/jpeg",
        },
        cache_control: match kind {
            Kind::Init | Kind::Media => "public, max-age=31536000, immutable",
            // Made anew by another version of this program they may be others.
            Kind::Still => "public, max-age=3600, stale-while-revalidate=86400",
        },
        length,
        stream,
    })
}
