//! What the playback paths ask on every request, one query each.

use sqlx::Row;

use super::{AssetState, Catalogue, Visibility, object_id};
use crate::{AssetId, ObjectId, StoreError};

/// What stands behind the URL of an initialisation or media segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Who may watch.
    pub visibility: Visibility,
    /// Anything of the asset is published.
    pub playable: bool,
    /// How far the work on the asset has come.
    pub state: AssetState,
    /// The bytes, when the track is published and has them.
    pub object: Option<ObjectId>,
    /// The track shows pictures.
    pub picture: bool,
}

impl Catalogue {
    /// Looks a media segment up; `None` when there is no such asset.
    pub async fn find_segment(&self, asset: &AssetId, track: &str, index: u32) -> Result<Option<Found>, StoreError> {
        let row = sqlx::query(
            "SELECT a.visibility, a.playable, a.state, s.object, CASE WHEN t.width IS NULL THEN 0 ELSE 1 END AS picture FROM assets a \
             LEFT JOIN tracks t ON t.asset = a.id AND t.name = $2 AND t.state = 'published' \
             LEFT JOIN segments s ON s.asset = t.asset AND s.track = t.name AND s.idx = $3 WHERE a.id = $1 AND a.deleted_ms IS NULL",
        )
        .bind(asset.as_str())
        .bind(track)
        .bind(i64::from(index))
        .fetch_optional(&self.read)
        .await?;
        row.map(found).transpose()
    }

    /// Looks an initialisation segment up; `None` when there is no such asset.
    pub async fn find_init(&self, asset: &AssetId, track: &str) -> Result<Option<Found>, StoreError> {
        let row = sqlx::query(
            "SELECT a.visibility, a.playable, a.state, t.init_object AS object, CASE WHEN t.width IS NULL THEN 0 ELSE 1 END AS picture FROM assets a \
             LEFT JOIN tracks t ON t.asset = a.id AND t.name = $2 AND t.state = 'published' \
             WHERE a.id = $1 AND a.deleted_ms IS NULL",
        )
        .bind(asset.as_str())
        .bind(track)
        .fetch_optional(&self.read)
        .await?;
        row.map(found).transpose()
    }
}

fn found(row: sqlx::any::AnyRow) -> Result<Found, StoreError> {
    let object: Option<&str> = row.try_get("object")?;
    Ok(Found {
        visibility: row.try_get("visibility")?,
        playable: row.try_get::<i64, _>("playable")? != 0,
        state: row.try_get("state")?,
        object: object.map(object_id).transpose()?,
        picture: row.try_get::<i64, _>("picture")? != 0,
    })
}
