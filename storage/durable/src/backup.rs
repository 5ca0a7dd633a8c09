//! A backup: all rows, all objects and the keys in a folder, and back. Drawn in `docs/formats/backup.md`.
//!
//! The origin may run meanwhile. Rows are read as they are at one moment; objects never change, so those that the rows of that moment
//! name are copied before and after it. If one was removed in between, its asset was, and the rows are read again.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use crate::objects::{Copied, Shelves};
use crate::{Catalogue, Disk, ObjectId, Places, Store, StoreError};

/// What a backup or its restoration came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// Rows.
    pub rows: u64,
    /// Objects.
    pub objects: Copied,
}

/// The rows of a backup: without this file it is none.
pub(crate) const CATALOGUE: &str = "catalogue.jsonl";
const OBJECTS: &str = "objects";
/// Tables whose rows name objects, and in which column.
const NAMING: [(&str, &str); 4] =
    [("segments", "object"), ("tracks", "init_object"), ("assets", "source_object"), ("pictures", "object")];
/// How often rows are read again because assets are being removed while they are copied.
const TRIES: u32 = 5;

/// Copies what is in `data` and `places` to the folder `to`. One that holds an earlier backup gets what is new.
///
/// # Errors
/// Nothing of the earlier backup's rows is lost by any of them.
pub async fn backup(
    data: &Path,
    places: &Places,
    to: &Path,
    tell: impl FnMut(&Copied),
) -> Result<BackedUp, StoreError> {
    backup_beside(data, places, to, None, tell).await
}

/// The same; objects that the backup `last` has are links to its files.
pub(crate) async fn backup_beside(
    data: &Path,
    places: &Places,
    to: &Path,
    last: Option<&Path>,
    mut tell: impl FnMut(&Copied),
) -> Result<BackedUp, StoreError> {
    let catalogue = Catalogue::open_beside(data, places).await?;
    let mine = shelves(data, places, &data.join("tmp")).await?;
    let mut theirs = Shelves::files(&to.join(OBJECTS), &to.join("scratch"))?;
    if let Some(last) = last {
        theirs = theirs.beside(&last.join(OBJECTS));
    }
    let mut objects = mine.copy_to(&theirs, &mut tell).await?;
    let part = to.join("catalogue.jsonl.part");
    for _ in 0..TRIES {
        let mut file = BufWriter::new(File::create(&part).map_err(|e| StoreError::io("create", &part, e))?);
        let rows = catalogue.dump(&mut file).await?;
        let written = file.flush().and_then(|()| file.get_ref().sync_all());
        written.map_err(|e| StoreError::io("write", &part, e))?;
        let late = mine.copy_to(&theirs, &mut tell).await?;
        (objects.objects, objects.bytes) = (objects.objects + late.objects, objects.bytes + late.bytes);
        if missing(&part, &theirs).await?.is_some() {
            continue;
        }
        copy_keys(&data.join("keys"), &to.join("keys"))?;
        let disk = Disk::default();
        disk.rename(&part, &to.join(CATALOGUE))?;
        disk.sync_folder(to)?;
        let _ = fs::remove_dir_all(to.join("scratch")); // what is in it was cut off; it does no harm
        catalogue.close().await;
        return Ok(BackedUp { rows, objects });
    }
    Err(StoreError::Server("assets are being deleted faster than they are copied; try again later".into()))
}

/// Brings a backup into an empty data folder and empty `places`. One that was cut off can be repeated.
///
/// # Errors
/// No row is there before all objects are.
pub async fn restore(
    from: &Path,
    data: &Path,
    places: &Places,
    mut tell: impl FnMut(&Copied),
) -> Result<BackedUp, StoreError> {
    let dump = from.join(CATALOGUE);
    let open = || File::open(&dump).map_err(|e| StoreError::io("open", &dump, e));
    open()?;
    let theirs = Shelves::files(&from.join(OBJECTS), &from.join("scratch"))?;
    let store = Store::open_at(data, Disk::default(), places).await?;
    let mine = shelves(data, places, &data.join("tmp")).await?;
    let objects = theirs.copy_to(&mine, &mut tell).await?;
    if let Some(lost) = missing(&dump, &mine).await? {
        return Err(StoreError::Missing(lost));
    }
    copy_keys(&from.join("keys"), &data.join("keys"))?;
    let rows = store.catalogue.load(&mut BufReader::new(open()?)).await?;
    store.close().await;
    let _ = fs::remove_dir(from.join("scratch")); // empty by now; it does no harm
    Ok(BackedUp { rows, objects })
}

/// Where the objects of a data folder are.
pub async fn shelves(data: &Path, places: &Places, scratch: &Path) -> Result<Shelves, StoreError> {
    match &places.objects {
        Some(place) => Shelves::s3(place, scratch).await,
        None => Shelves::files(&data.join(OBJECTS), scratch),
    }
}

/// The first object that rows of a dump name and that is not there.
async fn missing(dump: &Path, objects: &Shelves) -> Result<Option<ObjectId>, StoreError> {
    let failed = |e| StoreError::io("read", dump, e);
    for line in BufReader::new(File::open(dump).map_err(failed)?).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.map_err(failed)?)
            .map_err(|e| StoreError::Damaged(format!("a line of the dump: {e}")))?;
        for (table, column) in NAMING {
            let Some(name) = line["row"][column].as_str().filter(|_| line["table"] == table) else { continue };
            let id = name.parse().map_err(|_| StoreError::Damaged(format!("object name {name:?}")))?;
            if !objects.has(id).await? {
                return Ok(Some(id));
            }
        }
    }
    Ok(None)
}

/// Keys stay readable for their owner alone; those that are there already stay.
fn copy_keys(from: &Path, to: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let entries = match fs::read_dir(from) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| StoreError::io("list", from, e))?,
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(|e| StoreError::io("create", to, e))?;
    for entry in entries {
        let path = entry.map_err(|e| StoreError::io("list", from, e))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let bytes = fs::read(&path).map_err(|e| StoreError::io("read", &path, e))?;
        let copy = to.join(name);
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            file => file
                .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
                .map_err(|e| StoreError::io("write", &copy, e))?,
        }
    }
    Ok(())
}
