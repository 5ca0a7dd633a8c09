//! Keys that do not exist are refused, with the place and the nearest key that does; and the environment's keys are
//! laid over the file's.

use super::SAMPLE;
use anyhow::{Result, bail};
use toml::{Table, Value};

const PREFIX: &str = "STREAMGATE_";

/// `section.key` of every value in `table`, sorted; a section in a section is `section.section.key`.
pub fn paths(table: &Table) -> Vec<String> {
    fn walk(prefix: &str, table: &Table, paths: &mut Vec<String>) {
        for (key, value) in table {
            let path = join(prefix, key);
            match value.as_table() {
                Some(keys) => walk(&path, keys, paths),
                None if prefix.is_empty() => {}
                None => paths.push(path),
            }
        }
    }
    let mut paths = Vec::new();
    walk("", table, &mut paths);
    paths.sort();
    paths
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
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
        let refuse = Refuse { file, line: &line, known: &known };
        refuse.keys(section.get_ref(), at, value.get_ref(), keys)?;
    }
    Ok(())
}

/// The line of `text` on which the key stands that `complaint` names first; none when the file does not have it.
pub fn line_of(text: &str, complaint: &str) -> Option<usize> {
    let parsed = toml::de::DeTable::parse(text).ok()?;
    let words = complaint.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
    for word in words.map(|word| word.trim_matches('.')).filter(|word| word.contains('.')) {
        let mut path = word.split('.');
        let mut found = parsed.get_ref().get_key_value(path.next()?);
        for key in path {
            found = found.and_then(|(_, value)| value.get_ref().as_table()?.get_key_value(key));
        }
        if let Some((key, _)) = found {
            return Some(text[..key.span().start].matches('\n').count() + 1);
        }
    }
    None
}

/// What a refusal of a key needs to say.
struct Refuse<'a> {
    file: &'a str,
    line: &'a dyn Fn(usize) -> usize,
    known: &'a Table,
}

impl Refuse<'_> {
    /// Refuses the first key of the section `path`, which begins at line `at`, that is not in `known`.
    fn keys(&self, path: &str, at: usize, written: &toml::de::DeValue<'_>, known: &Table) -> Result<()> {
        let file = self.file;
        let Some(written) = written.as_table() else {
            bail!("{file}:{at}: `{path}` is a section; write `[{path}]` and its keys below");
        };
        for (key, value) in written {
            let at = (self.line)(key.span().start);
            match known.get(key.get_ref().as_ref()) {
                None => bail!("{file}:{at}: {}", no_key(path, key.get_ref(), self.known)),
                Some(Value::Table(keys)) => self.keys(&join(path, key.get_ref()), at, value.get_ref(), keys)?,
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Puts `STREAMGATE_SECTION__KEY=value` into `table`. The value is read as the type that the default has.
pub fn overlay_environment(table: &mut Table, environment: impl Iterator<Item = (String, String)>) -> Result<()> {
    let known = known();
    for (name, value) in environment {
        let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) else { continue };
        let path: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        let Some((key, sections)) = path.split_last() else { continue };
        let mut keys = Some(&known);
        for section in sections {
            keys = keys.and_then(|keys| keys.get(section)).and_then(Value::as_table);
        }
        let Some(default) = keys.and_then(|keys| keys.get(key)) else {
            bail!("{name}: {}", no_key(&sections.join("."), key, &known));
        };
        let value = read(&name, default, value, &path.join("."))?;
        let mut table = &mut *table;
        for section in sections {
            let section = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Some(keys) = section.as_table_mut() else { bail!("{name}: the file has no such section") };
            table = keys;
        }
        table.insert(key.clone(), value);
    }
    Ok(())
}

/// The value of `path` in the environment, of the type that the default has.
fn read(name: &str, default: &Value, text: String, path: &str) -> Result<Value> {
    Ok(match default {
        Value::Table(_) => bail!("{name}: `{path}` is a section; name one of its keys"),
        Value::String(_) => Value::String(text),
        // As in a file: the way to write a list of sections.
        Value::Array(_) if text.trim_start().starts_with('[') => {
            let written = toml::from_str::<Table>(&format!("value = {text}"));
            let read = written.ok().and_then(|mut table| table.remove("value")).filter(Value::is_array);
            let Some(list) = read else { bail!("{name}: `{text}` is not a list as TOML writes it") };
            list
        }
        Value::Array(_) => {
            let parts = text.split(',').filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.trim().to_owned())).collect())
        }
        _ => match text.parse::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) => bail!("{name}: `{text}` is not a whole number"),
        },
    })
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
