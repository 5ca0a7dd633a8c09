//! What a client says of the asset to be, from whichever header or form it comes; checked when the upload begins.

use durable::catalogue::Visibility;
use serde::{Deserialize, Serialize};

use crate::api::{MetaWords, checked_title};
use crate::flow::enqueue::Description;
use crate::limits::{FILE_NAME_BYTES_MAX, TITLE_CHARS_MAX};

/// Names and values, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    pub(crate) name: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) visibility: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) categories: Option<String>,
    /// `none`, `cbcs`; absent: as the configuration says.
    pub(crate) encryption: Option<String>,
}

impl About {
    /// Takes one value; others than ours are left alone.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        let place = match name {
            "name" | "filename" => &mut self.name,
            "title" => &mut self.title,
            "visibility" => &mut self.visibility,
            "description" => &mut self.description,
            "language" => &mut self.language,
            "tags" => &mut self.tags,
            "categories" => &mut self.categories,
            "encryption" => &mut self.encryption,
            _ => return,
        };
        *place = Some(value);
    }

    /// What the asset will be, or the rule that is broken.
    pub(crate) fn describe(self, owner: String) -> Result<Description, String> {
        let file_name = self.name.unwrap_or_default();
        if file_name.len() > FILE_NAME_BYTES_MAX || file_name.contains(char::is_control) {
            return Err(format!("A file name has at most {FILE_NAME_BYTES_MAX} bytes and no control characters."));
        }
        let title = match self.title {
            Some(title) => checked_title(title)?,
            // The name without its folder and ending, if anything is left of it.
            None => {
                let base = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
                let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
                if stem.is_empty() { "untitled".to_owned() } else { stem.chars().take(TITLE_CHARS_MAX).collect() }
            }
        };
        let visibility = match self.visibility.as_deref() {
            None | Some("open") => Visibility::Open,
            Some("gated") => Visibility::Gated,
            Some(_) => return Err("visibility is open or gated.".into()),
        };
        let encrypted = match self.encryption.as_deref() {
            None | Some("") => None,
            Some("none") => Some(false),
            Some("cbcs") => Some(true),
            Some(_) => return Err("encryption is none or cbcs.".into()),
        };
        let list = |text: Option<String>| text.map(|text| Some(text.split(',').map(str::to_owned).collect::<Vec<_>>()));
        let said = MetaWords {
            description: self.description.map(Some),
            language: self.language.map(Some),
            tags: list(self.tags),
            categories: list(self.categories),
            ..MetaWords::default()
        };
        Ok(Description { title, file_name, owner, visibility, encrypted, meta: said.meta()? })
    }
}
