//! What people say of assets: found by words in any script, listed by every filter through an index in pages that neither
//! repeat nor skip, changed without overwriting what was not seen, brought back out of the bin, and noted in the audit log.

mod support;

use durable::AssetId;
use durable::catalogue::{
    AssetState, CategoryEnd, CategoryMade, Change, Changed, Count, CountSource, Cursor, Earlier, Filter, JobKind,
    KeptAnswer, Visibility,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use support::{House, actor, house};

async fn say(house: &House, id: &AssetId, change: Change) {
    let changed = house.store.catalogue.update_asset(id, &change, &actor(), 9).await.unwrap();
    assert!(matches!(changed, Changed::Done(_)), "{changed:?}");
}

async fn titled(house: &House, seed: u8, title: &str) -> AssetId {
    let id = house.upload(seed, &[seed], i64::from(seed)).await;
    say(house, &id, Change { title: Some(title.into()), ..Change::default() }).await;
    id
}

async fn found(house: &House, text: &str) -> Vec<String> {
    let hits = house.store.catalogue.search(text, &Filter::default(), None, 10).await.unwrap();
    hits.into_iter().map(|hit| hit.asset.title).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_any_script_are_found() {
    let house = house().await;
    for (seed, title) in
        ["東京都の夜景 4K", "京都の朝", "서울의 밤", "Résumé of a Night in Tōkyō", "กรุงเทพ", "night train"]
            .into_iter()
            .enumerate()
    {
        titled(&house, seed as u8, title).await;
    }
    let check = async |text: &str, expected: &[&str]| {
        let mut got = found(&house, text).await;
        got.sort();
        assert_eq!(got, expected, "{text}");
    };
    check("東京", &["東京都の夜景 4K"]).await;
    check("京都", &["京都の朝", "東京都の夜景 4K"]).await;
    check("夜", &["東京都の夜景 4K"]).await;
    check("東京 4k", &["東京都の夜景 4K"]).await;
    check("東都", &[]).await;
    check("울의", &["서울의 밤"]).await;
    check("เทพ", &["กรุงเทพ"]).await;
    check("resume tokyo", &["Résumé of a Night in Tōkyō"]).await;
    check("NIGHT", &["Résumé of a Night in Tōkyō", "night train"]).await;
    check("nig", &["Résumé of a Night in Tōkyō", "night train"]).await;
    check("night OR 京都", &[]).await;
    check("\"* NEAR(", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_counts_more_than_a_description_and_changes_are_found_at_once() {
    let house = house().await;
    let (one, two) = (titled(&house, 1, "harbour").await, titled(&house, 2, "sea").await);
    let words = Change { description: Some("a harbour, in a long text about much else".into()), ..Change::default() };
    say(&house, &two, words).await;
    assert_eq!(found(&house, "harbour").await, ["harbour", "sea"]);
    say(&house, &one, Change { title: Some("quay".into()), ..Change::default() }).await;
    assert_eq!(found(&house, "harbour").await, ["sea"]);
    assert!(house.store.catalogue.bin_asset(&two, &actor(), 10).await.unwrap());
    assert_eq!(found(&house, "harbour").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_words_come_before_unfinished_ones_then_titles_then_the_youngest() {
    let house = house().await;
    let titles = ["seaside", "sea", "harbour", "a long title of the open sea", "night train", "nights"];
    for (seed, title) in (1..).zip(titles) {
        titled(&house, seed, title).await;
    }
    for (seed, text) in [(3, "by the sea"), (6, "at the seaside"), (1, "")] {
        let words = Change { description: Some(text.into()), ..Change::default() };
        say(&house, &AssetId::from_random([seed; 10]), words).await;
    }
    let check = async |text: &str, expected: &[&str]| assert_eq!(found(&house, text).await, expected, "{text}");
    check("sea", &["a long title of the open sea", "sea", "harbour", "seaside", "nights"]).await;
    check("se", &["a long title of the open sea", "sea", "seaside", "nights", "harbour"]).await;
    check("the sea", &["a long title of the open sea", "harbour", "nights"]).await;
    check("night", &["night train", "nights"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_search_neither_repeat_nor_skip_while_assets_come_in() {
    let house = house().await;
    let words = ["night", "nightly", "train"];
    for seed in 0..12 {
        let id = titled(&house, seed, words[usize::from(seed) % 3]).await;
        say(&house, &id, Change { description: Some("of the night".into()), ..Change::default() }).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    for round in 0.. {
        let page = house.store.catalogue.search("night", &Filter::default(), after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        seen.extend(page.into_iter().map(|hit| hit.asset.id));
        titled(&house, 20 + round, "night").await;
    }
    let place = |seed: u8| (words[usize::from(seed) % 3] != "night", std::cmp::Reverse(seed));
    let mut expected: Vec<u8> = (0..12).collect();
    expected.sort_by_key(|seed| place(*seed));
    assert_eq!(seen, expected.into_iter().map(|seed| AssetId::from_random([seed; 10])).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_whole_word_is_found_behind_thousands_that_begin_with_it() {
    let house = house().await;
    titled(&house, 1, "art").await;
    titled(&house, 2, "article two").await;
    index_of_others(&house, 6_000, "article").await;
    assert_eq!(found(&house, "art").await, ["art"], "the younger ones are of no asset");
    assert_eq!(found(&house, "article two").await, ["article two"]);
    assert_eq!(found(&house, "article").await, [""; 0], "of a common word the youngest thousands are looked at");
}

/// Younger rows of the index, of assets that there are not: each has the word in its title, with its number behind.
async fn index_of_others(house: &House, rows: u32, word: &str) {
    let count = format!("WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})");
    let statements = match house.is_postgres() {
        true => vec![format!(
            "INSERT INTO search_rows (asset, words) {count} SELECT 'x' || n, CAST('{word}:1A w' || n || ':2A' AS TSVECTOR) FROM n"
        )],
        false => vec![
            format!("INSERT INTO search_rows (asset) {count} SELECT 'x' || n FROM n"),
            format!(
                "INSERT INTO search (rowid, title, description, labels) \
                 SELECT id, '{word} w' || substr(asset, 2), '', '' FROM search_rows WHERE asset LIKE 'x%'"
            ),
        ],
    };
    let mut connection = AnyConnection::connect(&house.database()).await.unwrap();
    for sql in statements.into_iter().chain(["ANALYZE".to_owned()]) {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_walks_an_index_and_sorts_nothing() {
    let house = house().await;
    let word = || Some("x".to_owned());
    let none = Filter::default;
    let filters = [
        ("assets_by_age", none()),
        ("assets_by_owner", Filter { owner: word(), ..none() }),
        ("assets_by_state", Filter { state: Some(AssetState::Failed), ..none() }),
        ("assets_by_visibility", Filter { visibility: Some(Visibility::Gated), ..none() }),
        ("assets_by_language", Filter { language: word(), ..none() }),
        ("l USING PRIMARY KEY", Filter { tag: word(), ..none() }),
        ("l USING PRIMARY KEY", Filter { category: word(), ..none() }),
        ("l USING PRIMARY KEY", Filter { category: word(), tag: word(), owner: word(), ..none() }),
    ];
    for (index, filter) in filters {
        let plan = house.store.catalogue.listing_plan(&filter).await.unwrap().join("\n");
        let index =
            if house.is_postgres() { index.replace("l USING PRIMARY KEY", "labels_pkey") } else { index.into() };
        assert!(
            plan.contains(&index) && !plan.contains("TEMP B-TREE") && !plan.contains("Sort"),
            "{filter:?}:\n{plan}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_and_a_lease_walk_their_index_among_many_rows() {
    let house = house().await;
    let id = house.upload(1, b"one", 1).await;
    index_of_others(&house, 20_000, "clip").await;
    let mut connection = AnyConnection::connect(&house.database()).await.unwrap();
    let count = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)";
    let jobs = format!(
        "INSERT INTO jobs (kind, asset, state, unique_key, run_after_ms, stage, created_ms, updated_ms) \
         {count} SELECT 'ingest', '{}', 'queued', 'ingest:' || n, 0, 'probe', 0, 0 FROM n",
        id.as_str()
    );
    for sql in [jobs, "ANALYZE".to_owned()] {
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let catalogue = &house.store.catalogue;
    let check = |plan: Vec<String>, indexes: &[&str]| {
        let plan = plan.join("\n");
        let passes =
            |line: &str| ["Seq Scan on search_rows", "SCAN r", "SCAN a"].iter().any(|scan| line.contains(scan));
        let walks = plan.lines().all(|line| !passes(line) && !line.starts_with("SCAN j"));
        assert!(walks && indexes.iter().all(|index| plan.contains(index)), "{plan}");
    };
    // One in two hundred, whole or as the beginning of a hundred others; and what all have.
    let rare: &[&str] = match house.is_postgres() {
        true => &["Bitmap Index Scan on search_by_word"],
        false => &["s VIRTUAL TABLE INDEX", "r USING INTEGER PRIMARY KEY", "a USING PRIMARY KEY"],
    };
    let common = if house.is_postgres() { &["Index Scan Backward using search_rows_pkey"] } else { rare };
    check(catalogue.search_plan("w77", &Filter::default()).await.unwrap(), rare);
    check(catalogue.search_plan("clip", &Filter::default()).await.unwrap(), common);
    check(catalogue.lease_plan(JobKind::Ingest).await.unwrap(), &["jobs_by_turn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_filter_neither_repeat_nor_skip_while_assets_come_in() {
    let house = house().await;
    let tags = |word: &str| Change { tags: Some(vec![word.into()]), ..Change::default() };
    for seed in 0..9 {
        let id = house.upload(seed, &[seed], i64::from(seed / 3)).await;
        say(&house, &id, tags(if seed % 2 == 0 { "even" } else { "odd" })).await;
    }
    let filter = Filter { tag: Some("even".into()), ..Filter::default() };
    let (mut seen, mut after) = (Vec::new(), None::<Cursor>);
    for round in 0.. {
        let page = house.store.catalogue.assets(&filter, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(Cursor { created_ms: last.created_ms, id: last.id.clone() });
        seen.extend(page.into_iter().map(|asset| asset.id));
        let new = house.upload(20 + round, &[20 + round], 100).await;
        say(&house, &new, tags("even")).await;
    }
    assert_eq!(seen.len(), 5);
    assert!((0..9).step_by(2).all(|seed| seen.contains(&AssetId::from_random([seed; 10]))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_older_version_is_refused() {
    let house = house().await;
    let id = titled(&house, 1, "one").await;
    let version = house.store.catalogue.asset(&id).await.unwrap().unwrap().version;
    let mine = |title: &str| Change { title: Some(title.into()), version: Some(version), ..Change::default() };
    say(&house, &id, mine("two")).await;
    let late = house.store.catalogue.update_asset(&id, &mine("three"), &actor(), 9).await.unwrap();
    assert_eq!(late, Changed::Stale(version + 1));
    assert_eq!(house.store.catalogue.asset(&id).await.unwrap().unwrap().title, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bin_hides_an_asset_and_its_job_and_gives_both_back() {
    let house = house().await;
    let id = titled(&house, 1, "film").await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(10).await.unwrap();
    assert!(catalogue.bin_asset(&id, &actor(), 11).await.unwrap());
    assert!(!catalogue.bin_asset(&id, &actor(), 11).await.unwrap(), "twice");
    assert_eq!(catalogue.asset(&id).await.unwrap(), None);
    assert_eq!(catalogue.find_init(&id, "x").await.unwrap(), None);
    assert_eq!(catalogue.assets(&Filter::default(), None, 9).await.unwrap(), []);
    assert_eq!(catalogue.bin(None, None, 9).await.unwrap().len(), 1);
    assert_eq!(catalogue.bin(Some("someone"), None, 9).await.unwrap(), []);
    assert!(catalogue.finish_job(&lease, None, 12).await.is_err(), "fenced off");
    assert_eq!(house.lease(9_999).await, None, "it rests");
    assert_eq!(catalogue.bin_expired(11, 9).await.unwrap(), []);
    assert_eq!(catalogue.bin_expired(12, 9).await.unwrap(), std::slice::from_ref(&id));
    assert!(catalogue.restore_asset(&id, &actor(), 13).await.unwrap().is_some());
    assert_eq!(found(&house, "film").await, ["film"]);
    assert_eq!(house.lease(9_999).await.unwrap().asset, id);
    let deeds = catalogue.audit(Some(id.as_str()), i64::MAX, 9).await.unwrap();
    let actions: Vec<_> = deeds.iter().map(|deed| deed.action.as_str()).collect();
    assert_eq!(actions, ["content.restored", "content.deleted", "content.updated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_is_there_before_it_is_used_and_stays_while_it_is() {
    let house = house().await;
    let id = titled(&house, 1, "film").await;
    let catalogue = &house.store.catalogue;
    let change = Change { categories: Some(vec!["sport".into()]), ..Change::default() };
    let refused = catalogue.update_asset(&id, &change, &actor(), 1).await.unwrap();
    assert_eq!(refused, Changed::NoCategory("sport".into()));
    assert_eq!(catalogue.create_category("sport", "Sport", &actor(), 1).await.unwrap(), CategoryMade::Made);
    assert_eq!(catalogue.create_category("sport", "Again", &actor(), 1).await.unwrap(), CategoryMade::Taken);
    say(&house, &id, change).await;
    assert_eq!(catalogue.categories().await.unwrap()[0].assets, 1);
    assert_eq!(catalogue.delete_category("sport", &actor(), 1).await.unwrap(), CategoryEnd::InUse);
    say(&house, &id, Change { categories: Some(Vec::new()), ..Change::default() }).await;
    assert_eq!(catalogue.delete_category("sport", &actor(), 1).await.unwrap(), CategoryEnd::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_add_up_by_day_and_those_of_nobody_are_dropped() {
    let house = house().await;
    let id = titled(&house, 1, "film").await;
    let count = Count { starts: 1, requests: 3, bytes: 100 };
    let nobody = AssetId::from_random([9; 10]);
    let day_ms = 86_400_000;
    for now in [1, 2, day_ms] {
        house
            .store
            .catalogue
            .count(&[(id.clone(), count), (nobody.clone(), count)], CountSource::Edge, now)
            .await
            .unwrap();
    }
    let days = house.store.catalogue.days(&id, 9).await.unwrap();
    let numbers: Vec<_> = days.iter().map(|day| (day.day, day.starts, day.requests, day.bytes)).collect();
    assert_eq!(numbers, [(1, 1, 3, 100), (0, 2, 6, 200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_is_given_to_the_same_request_of_the_same_caller() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let (one, other) = ([1; 32], [2; 32]);
    assert_eq!(catalogue.begin_once("a", "k", &one, 0, 5).await.unwrap(), Earlier::New);
    assert_eq!(catalogue.begin_once("a", "k", &one, 0, 5).await.unwrap(), Earlier::Running);
    assert_eq!(catalogue.begin_once("b", "k", &one, 0, 5).await.unwrap(), Earlier::New, "another caller");
    let answer = KeptAnswer { status: 201, headers: "{}".into(), body: b"x".to_vec() };
    catalogue.answer_once("a", "k", &answer).await.unwrap();
    assert_eq!(catalogue.begin_once("a", "k", &one, 0, 6).await.unwrap(), Earlier::Answered(answer));
    assert_eq!(catalogue.begin_once("a", "k", &other, 0, 6).await.unwrap(), Earlier::Another);
    assert_eq!(catalogue.forget_unanswered().await.unwrap(), 1, "b's");
    assert_eq!(catalogue.begin_once("a", "k", &other, 6, 7).await.unwrap(), Earlier::New, "too old");
    assert_eq!(catalogue.sweep_idempotency(8).await.unwrap(), 1);
}
