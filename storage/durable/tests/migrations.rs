//! The schema goes forward and back, and forward again with nothing left over; a migration that fails halfway leaves the schema as it
//! was, and the next start goes on when what was in its way is gone.

mod support;

use durable::{Disk, Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use support::{House, house};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

async fn connect(house: &House) -> AnyConnection {
    AnyConnection::connect(&house.database()).await.unwrap()
}

fn migrator(house: &House) -> &'static Migrator {
    if house.is_postgres() { &POSTGRES } else { &SQLITE }
}

/// Every table, column and index, as the database tells them.
async fn schema(house: &House, connection: &mut AnyConnection) -> Vec<String> {
    let sql = if house.is_postgres() {
        "SELECT CAST(table_name || '.' || column_name || ' ' || data_type || coalesce(column_default, '') AS TEXT) AS line \
         FROM information_schema.columns WHERE table_schema = 'public' UNION ALL \
         SELECT CAST(indexdef AS TEXT) FROM pg_indexes WHERE schemaname = 'public' ORDER BY line"
    } else {
        "SELECT name || coalesce(sql, '') AS line FROM sqlite_master ORDER BY line"
    };
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_migrations_go_back_and_forward_again() {
    let house = house().await;
    let mut connection = connect(&house).await;
    let fresh = schema(&house, &mut connection).await;
    migrator(&house).undo(&mut connection, 0).await.unwrap();
    let left: Vec<String> = schema(&house, &mut connection).await;
    let ours = |line: &&String| !line.contains("_sqlx_migrations") && !line.starts_with("sqlite_");
    assert_eq!(left.iter().filter(ours).collect::<Vec<_>>(), Vec::<&String>::new());
    drop(connection);
    let house = house.restart().await;
    assert_eq!(schema(&house, &mut connect(&house).await).await, fresh);
    house.upload(1, b"works", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_halfway_leaves_the_schema_as_it_was() {
    let house = house().await;
    house.upload(1, b"kept", 1).await;
    let mut connection = connect(&house).await;
    migrator(&house).undo(&mut connection, 20).await.unwrap();
    // In the way of the second table of number 30; the first one is made before it.
    connection.execute("CREATE TABLE deliveries (mine TEXT)").await.unwrap();
    let before = schema(&house, &mut connection).await;
    drop(connection);
    house.store.close().await;

    let failed = Store::open_at(house.folder.path(), Disk::default(), &house.places()).await;
    assert!(matches!(failed, Err(StoreError::Migrate(_))), "{failed:?}");
    let mut connection = connect(&house).await;
    assert_eq!(schema(&house, &mut connection).await, before);
    let sql = "SELECT max(version) FROM _sqlx_migrations";
    assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap(), 20);
    connection.execute("DROP TABLE deliveries").await.unwrap();
    drop(connection);

    let store = Store::open_at(house.folder.path(), Disk::default(), &house.places()).await.unwrap();
    assert_eq!(store.catalogue.webhooks().await.unwrap().len(), 0);
    let kept = durable::AssetId::from_random([1; 10]);
    assert_eq!(store.catalogue.asset(&kept).await.unwrap().unwrap().title, "clip");
}
