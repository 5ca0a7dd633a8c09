//! The cache in this process. In Redis the same promises are tried in `tests/behaviour/redis.rs`, by what is seen from outside.

use super::*;

const LONG: Duration = Duration::from_secs(60);

async fn put(cache: &Cache, key: &str, tags: &[&str], value: &'static str) {
    match cache.look(key, tags).await {
        Looked::Miss(slot) => cache.fill(slot, Bytes::from_static(value.as_bytes()), LONG).await,
        Looked::Hit(_) => cache.delete(key).await,
    }
}

async fn got(cache: &Cache, key: &str, tags: &[&str]) -> Option<Bytes> {
    match cache.look(key, tags).await {
        Looked::Hit(value) => Some(value),
        Looked::Miss(_) => None,
    }
}

#[tokio::test]
async fn a_value_is_kept_until_it_one_of_its_tags_or_everything_is_cleared() {
    let cache = Cache::open(None, 1 << 20);
    for (clear, left) in [("", true), ("a", false), ("b", false), ("c", true), ("*", false)] {
        put(&cache, "k", &["a", "b"], "v").await;
        match clear {
            "*" => cache.clear_all().await,
            tag => cache.clear(tag).await,
        }
        assert_eq!(got(&cache, "k", &["a", "b"]).await.is_some(), left, "{clear}");
        cache.delete("k").await;
        assert_eq!(got(&cache, "k", &["a", "b"]).await, None);
    }
}

#[tokio::test]
async fn what_was_read_before_a_tag_was_cleared_is_not_kept_after_it() {
    let cache = Cache::open(None, 1 << 20);
    let Looked::Miss(slot) = cache.look("k", &["a"]).await else { panic!("nothing is there") };
    cache.clear("a").await;
    cache.fill(slot, Bytes::from_static(b"old"), LONG).await;
    assert_eq!(got(&cache, "k", &["a"]).await, None);
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_and_all_of_it_has_a_bound() {
    let cache = Cache::open(None, 64 << 10);
    let fill = async |key: &str, bytes: usize| {
        let Looked::Miss(slot) = cache.look(key, &[]).await else { panic!("nothing is there") };
        cache.fill(slot, Bytes::from(vec![0; bytes]), LONG).await;
    };
    fill("large", CACHE_VALUE_BYTES_MAX + 1).await;
    assert_eq!(got(&cache, "large", &[]).await, None);
    assert!(matches!(
        cache.look(&"k".repeat(CACHE_KEY_BYTES_MAX + 1), &[]).await,
        Looked::Miss(Slot { seen: None, .. })
    ));
    for n in 0..100 {
        fill(&format!("k{n}"), 4 << 10).await;
    }
    let stats = cache.stats().await;
    assert!(stats.bytes.unwrap() <= 64 << 10 && stats.entries.unwrap() > 4, "{stats:?}");
    assert_eq!((stats.engine, stats.reachable, stats.hits), ("memory", true, 0));
}
