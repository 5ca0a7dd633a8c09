//! The seam to the databases: everything above it speaks one SQL, and asks for the dialect only where the two differ.
//!
//! sqlx's `Any` driver carries whole numbers (`i64`), `f64`, text and bytes, nothing else. So a flag is a number that is 0
//! or 1, an unsigned number goes through `i64`, and an enum is written as a word (`words!`).

use std::ops::{Deref, DerefMut};

use sqlx::any::AnyArguments;
use sqlx::query::{Query, QueryAs};
use sqlx::{Any, Arguments, AssertSqlSafe, Database, Decode, Encode, Type};

use super::reach::Line;
use crate::StoreError;

/// A row of either database.
pub(super) type AnyRow = sqlx::any::AnyRow;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A file in the data folder.
    Sqlite,
    /// A server, 15 or younger.
    Postgres,
}

/// A transaction that writes. Dropped without [`Tx::commit`] it is undone.
pub(super) struct Tx {
    line: Line,
    /// Which database it is of.
    pub(super) dialect: Dialect,
}

impl Tx {
    pub(super) fn new(line: Line, dialect: Dialect) -> Self {
        Self { line, dialect }
    }

    /// On disk when it returns.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.line.commit().await
    }
}

impl Deref for Tx {
    type Target = Line;
    fn deref(&self) -> &Line {
        &self.line
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Line {
        &mut self.line
    }
}

/// A statement that is put together piece by piece, its placeholders numbered as both databases want them.
pub(super) struct Sql {
    text: String,
    arguments: AnyArguments,
}

impl Sql {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), arguments: AnyArguments::default() }
    }

    /// Adds text of the program's own.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value that comes from anywhere.
    pub(super) fn push_bind<'v, T: Encode<'v, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        self.arguments.add(value).expect("numbers, text and bytes always encode");
        self.text.push('$');
        self.text.push_str(&self.arguments.len().to_string());
        self
    }

    /// The statement, for its rows as they are.
    pub(super) fn build_query(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.text), self.arguments)
    }

    /// The statement, to be run once.
    pub(super) fn build_query_as<O>(self) -> QueryAs<'static, Any, O, AnyArguments>
    where
        O: for<'r> sqlx::FromRow<'r, AnyRow>,
    {
        sqlx::query_as_with(AssertSqlSafe(self.text), self.arguments)
    }
}

/// A flag in a row: `#[sqlx(try_from = "Flag")]` on a `bool`.
pub(super) struct Flag(bool);

/// A small number in a row, or none: `#[sqlx(try_from = "Short")]` on an `Option<u16>`.
pub(super) struct Short(Option<i64>);

impl From<Flag> for bool {
    fn from(flag: Flag) -> bool {
        flag.0
    }
}

impl TryFrom<Short> for Option<u16> {
    type Error = std::num::TryFromIntError;
    fn try_from(short: Short) -> Result<Self, Self::Error> {
        short.0.map(u16::try_from).transpose()
    }
}

macro_rules! number {
    ($name:ident, $from:ty, $to:expr) => {
        impl Type<Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <i64 as Type<Any>>::type_info()
            }
            fn compatible(ty: &sqlx::any::AnyTypeInfo) -> bool {
                <i64 as Type<Any>>::compatible(ty)
            }
        }
        impl<'r> Decode<'r, Any> for $name {
            fn decode(value: <Any as Database>::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                <$from as Decode<'r, Any>>::decode(value).map($to)
            }
        }
    };
}
number!(Flag, i64, |n| Flag(n != 0));
number!(Short, Option<i64>, Short);

/// Whether `SELECT 1 ... LIMIT 1` finds a row.
pub(super) async fn is_there<'q>(tx: &mut Tx, query: Query<'q, Any, AnyArguments>) -> Result<bool, StoreError> {
    Ok(query.fetch_optional(&mut **tx).await?.is_some())
}

/// An enum that is a word in the rows: how each value is written, once.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// Those there are.
            pub const WORDS: &[&'static str] = &[$($word),+];

            /// As it is written in rows and in the API.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
        impl sqlx::Type<sqlx::Any> for $name {
            fn type_info() -> sqlx::any::AnyTypeInfo {
                <str as sqlx::Type<sqlx::Any>>::type_info()
            }
        }
        impl<'q> sqlx::Encode<'q, sqlx::Any> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Any as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<'q, sqlx::Any>>::encode(self.word(), buffer)
            }
        }
        impl<'r> sqlx::Decode<'r, sqlx::Any> for $name {
            fn decode(value: <sqlx::Any as sqlx::Database>::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let word = <&str as sqlx::Decode<'r, sqlx::Any>>::decode(value)?;
                Self::from_word(word).ok_or_else(|| format!("{word:?} is no {}", stringify!($name)).into())
            }
        }
    };
}
pub(super) use words;
