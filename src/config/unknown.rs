//! Keys that do not exist are refused, with the place and the nearest key that does; and the environment's keys are
//! laid over the file's.

use super::SAMPLE;
use anyhow::{Result, bail};
use toml::{Table, Value};

const PREFIX: &str = "STREAMGATE_";

/// `section.key` of every value in `table`, sorted.
pub fn paths(table: &Table) -> Vec<String> {
    let mut paths: Vec<String> = table
        .iter()
        .flat_map(|(section, keys)| {
            let keys = keys.as_table().cloned().unwrap_or_default();
            keys.keys().map(|key| format!("{section}.{key}")).collect::<Vec<_>>()
        })
        .collect();
    paths.sort();
    paths
}

fn known() -> Table {
    toml::from_str(SAMPLE).expect("the sample is part of the program and tested")
}

/// Refuses the first key of `text` that the sample does not have.
pub fn refuse_unknown_keys(file: &str, text: &str) -> Result<()> {
    let parsed = match toml::de::DeTable::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => bail!("{file} is not valid TOML: {error}"),
    };
    let known = known();
    let line = |at: usize| text[..at].matches('\n').count() + 1;
    for (section, value) in parsed.get_ref() {
        let at = line(section.span().start);
        let Some(keys) = known.get(section.get_ref().as_ref()).and_then(Value::as_table) else {
            let near = nearest(section.get_ref(), known.keys().map(String::as_str));
            bail!(
                "{file}:{at}: there is no section `[{}]`{}",
                section.get_ref(),
                did_you_mean(near.map(|n| format!("[{n}]")))
            );
        };
        let Some(written) = value.get_ref().as_table() else {
            bail!("{file}:{at}: `{0}` is a section; write `[{0}]` and its keys below", section.get_ref());
        };
        for key in written.keys() {
            if !keys.contains_key(key.get_ref().as_ref()) {
                bail!("{file}:{}: {}", line(key.span().start), no_key(section.get_ref(), key.get_ref(), &known));
            }
        }
    }
    Ok(())
}

/// Puts `STREAMGATE_SECTION__KEY=value` into `table`. The value is read as the type that the default has.
pub fn overlay_environment(table: &mut Table, environment: impl Iterator<Item = (String, String)>) -> Result<()> {
    let known = known();
    for (name, value) in environment {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|path| path.split_once("__")) else {
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let Some(default) = known.get(&section).and_then(|keys| keys.get(&key)) else {
            bail!("{name}: {}", no_key(&section, &key, &known));
        };
        let value = match default {
            Value::String(_) => Value::String(value),
            Value::Array(_) => Value::Array(
                value
                    .split(',')
                    .filter(|part| !part.is_empty())
                    .map(|part| Value::String(part.trim().to_owned()))
                    .collect(),
            ),
            _ => match value.parse::<i64>() {
                Ok(number) => Value::Integer(number),
                Err(_) => bail!("{name}: `{value}` is not a whole number"),
            },
        };
        let keys = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Some(keys) = keys.as_table_mut() {
            keys.insert(key, value);
        }
    }
    Ok(())
}

fn no_key(section: &str, key: &str, known: &Table) -> String {
    let path = format!("{section}.{key}");
    let paths = paths(known);
    let near = nearest(&path, paths.iter().map(String::as_str)).map(str::to_owned);
    format!("there is no key `{path}`{}", did_you_mean(near))
}

fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    among
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= 1 + word.len() / 3)
        .map(|(_, candidate)| candidate)
}

fn did_you_mean(near: Option<String>) -> String {
    match near {
        Some(near) => format!("; did you mean `{near}`?"),
        None => "; `streamgate check-config --sample` lists all keys".to_owned(),
    }
}
