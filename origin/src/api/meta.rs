//! What people say of an asset, checked: bounded, without control characters, tags in one spelling.

use durable::catalogue::{Change, Meta};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::content::{VisibilityWord, checked_title};
use crate::limits::{
    CATEGORIES_AN_ASSET_MAX, DESCRIPTION_CHARS_MAX, FIELDS_BYTES_MAX, LANGUAGE_BYTES_MAX, TAG_CHARS_MAX, TAGS_MAX,
};

/// The body of an update: what is there is changed, `null` empties.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContentChange)]
pub(crate) struct Wanted {
    pub(crate) title: Option<String>,
    pub(crate) visibility: Option<VisibilityWord>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) description: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub(crate) language: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub(crate) categories: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    pub(crate) fields: Option<Option<Map<String, Value>>>,
}

/// Tells `null` from nothing.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Wanted {
    /// A change, or the rule that is broken.
    pub(super) fn change(self, version: Option<i64>) -> Result<Change, String> {
        Ok(Change {
            title: self.title.map(checked_title).transpose()?,
            visibility: self.visibility.map(Into::into),
            description: self.description.map(|text| description(text.unwrap_or_default())).transpose()?,
            language: self.language.map(|text| language(text.unwrap_or_default())).transpose()?,
            tags: self.tags.map(|words| tags(words.unwrap_or_default())).transpose()?,
            categories: self.categories.map(|words| categories(words.unwrap_or_default())).transpose()?,
            fields: self.fields.map(|map| fields(map.unwrap_or_default())).transpose()?,
            version,
        })
    }

    /// What a new asset is said to be.
    pub(crate) fn meta(self) -> Result<Meta, String> {
        let change = self.change(None)?;
        let nothing = Meta::default();
        Ok(Meta {
            description: change.description.unwrap_or_default(),
            language: change.language.unwrap_or_default(),
            tags: change.tags.unwrap_or_default(),
            categories: change.categories.unwrap_or_default(),
            fields: change.fields.unwrap_or(nothing.fields),
        })
    }
}

fn description(text: String) -> Result<String, String> {
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains(odd) {
        return Err(format!("A description has at most {DESCRIPTION_CHARS_MAX} characters and no control characters."));
    }
    Ok(text)
}

/// The grammar's outline of a BCP 47 tag (RFC 5646 section 2.1); in lower case, since it is compared.
pub(super) fn language(text: String) -> Result<String, String> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = text.split('-').next().unwrap_or_default();
    let is_tag = text.len() <= LANGUAGE_BYTES_MAX && text.split('-').all(part) && first.len() >= 2;
    if text.is_empty() || is_tag {
        return Ok(text.to_ascii_lowercase());
    }
    Err("A language is a tag such as \"ja\" or \"pt-BR\".".into())
}

/// Lower case, without blanks around, each once.
fn tags(words: Vec<String>) -> Result<Vec<String>, String> {
    let mut tags: Vec<String> = words.iter().map(|word| word.trim().to_lowercase()).collect();
    let fits = |tag: &String| (1..=TAG_CHARS_MAX).contains(&tag.chars().count()) && !tag.contains(char::is_control);
    tags.sort();
    tags.dedup();
    if tags.len() > TAGS_MAX || !tags.iter().all(fits) {
        return Err(format!("There are at most {TAGS_MAX} tags of 1 to {TAG_CHARS_MAX} characters each."));
    }
    Ok(tags)
}

fn categories(mut words: Vec<String>) -> Result<Vec<String>, String> {
    words.sort();
    words.dedup();
    if words.len() > CATEGORIES_AN_ASSET_MAX {
        return Err(format!("An asset is in at most {CATEGORIES_AN_ASSET_MAX} categories."));
    }
    Ok(words)
}

fn fields(map: Map<String, Value>) -> Result<String, String> {
    let text = Value::Object(map).to_string();
    if text.len() > FIELDS_BYTES_MAX {
        return Err(format!("The fields take at most {FIELDS_BYTES_MAX} bytes as JSON."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_brought_into_one_spelling_or_refused() {
        let check = |text: &str| serde_json::from_str::<Wanted>(text).map_err(|e| e.to_string())?.meta();
        let meta = check(r#"{"tags":[" Sea ","sea","SUN"],"language":"pt-BR","fields":{"b":1}}"#).unwrap();
        assert_eq!(
            (meta.tags, meta.language.as_str(), meta.fields.as_str()),
            (vec!["sea".into(), "sun".into()], "pt-br", r#"{"b":1}"#)
        );
        assert_eq!(check(r#"{"tags":null,"description":null}"#), Ok(Meta::default()));
        for bad in [
            r#"{"language":"x"}"#,
            r#"{"language":"en us"}"#,
            r#"{"tags":[""]}"#,
            r#"{"description":"\u0000"}"#,
            r#"{"fields":[1]}"#,
            r#"{"colour":1}"#,
            &format!(r#"{{"fields":{{"a":"{}"}}}}"#, "x".repeat(FIELDS_BYTES_MAX)),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
