//! Configuration in two stages: [`written`] is what a person wrote (file, then environment), unknown keys refused;
//! [`Config`] is checked, typed and complete, and is all that the rest of the program sees.

mod checked;
mod size;
mod unknown;
mod upstream;
mod written;

pub use checked::{AccessLog, Config};

use anyhow::{Context, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

/// The default of `origin.listen`.
pub const ORIGIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9090);

/// Every key with its default and its meaning; what `streamgate check-config --sample` prints.
pub const SAMPLE: &str = include_str!("../../deploy/streamgate.toml");

/// Reads `path` (or nothing), then the environment, and checks the result.
///
/// # Errors
/// A sentence that names the file, the line and the key.
pub fn load(path: Option<&Path>) -> Result<Config> {
    let (name, text) = match path {
        Some(path) => (
            path.display().to_string(),
            std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the configuration file {}", path.display()))?,
        ),
        None => ("(defaults)".to_owned(), String::new()),
    };
    resolve(&name, &text, std::env::vars())
}

fn resolve(name: &str, text: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Config> {
    unknown::refuse_unknown_keys(name, text)?;
    let mut table: toml::Table = toml::from_str(text).with_context(|| format!("{name} is not valid TOML"))?;
    unknown::overlay_environment(&mut table, environment)?;
    let written: written::Written = table.try_into().with_context(|| format!("{name}: a value has the wrong type"))?;
    checked::check(written).map_err(|error| {
        let line = unknown::line_of(text, &format!("{error:#}")).map(|line| format!(":{line}")).unwrap_or_default();
        error.context(format!("{name}{line}: a value cannot be used"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, environment: &[(&str, &str)], expected: Result<fn(&Config) -> bool, &str>) {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        match (resolve("x.toml", text, environment), expected) {
            (Ok(config), Ok(holds)) => assert!(holds(&config), "{config:?}"),
            (Err(error), Err(words)) => {
                let said = format!("{error:#}");
                assert!(said.contains(words), "said: {said}\nexpected: {words}");
            }
            (got, expected) => panic!("{got:?} where {:?} was expected", expected.err()),
        }
    }

    #[test]
    fn an_empty_file_is_the_sample_file() {
        let empty = resolve("empty", "", std::iter::empty()).expect("empty is valid");
        let sample = resolve("sample", SAMPLE, std::iter::empty()).expect("the sample is valid");
        assert_eq!(empty, sample);
    }

    #[test]
    fn the_sample_names_every_key_of_the_struct_and_no_other() {
        let sample: toml::Table = toml::from_str(SAMPLE).expect("valid");
        let structure = toml::Table::try_from(written::Written::default()).expect("serialises");
        assert_eq!(unknown::paths(&sample), unknown::paths(&structure));
    }

    #[test]
    fn the_operating_guide_quotes_the_sample() {
        let guide = include_str!("../../docs/operating.md");
        assert!(guide.contains(SAMPLE.trim()), "docs/operating.md must quote deploy/streamgate.toml word for word");
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_nearest_key() {
        check("\n[edge]\nshard = 2\n", &[], Err("x.toml:3: there is no key `edge.shard`; did you mean `edge.shards`?"));
        check("[egde]\nshards = 2\n", &[], Err("x.toml:1: there is no section `[egde]`; did you mean `[edge]`?"));
        check("shards = 2\n", &[], Err("x.toml:1: there is no section `[shards]`"));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        check("[edge]\nshards = 1\n", &[("STREAMGATE_EDGE__SHARDS", "2")], Ok(|c| c.edge_shards == 2));
        check(
            "[[edge.disks]]\npath = \"x\"\nsize = \"1 GiB\"\n",
            &[],
            Ok(|c| {
                let disk = edge::Disk { path: "x".into(), bytes: 1 << 30, write_bytes_per_second: 64 << 20 };
                c.edge_disks == [disk]
            }),
        );
        let disks = "[{ path = \"a\", size = \"1 GiB\" }, { path = \"b\", size = \"2 GiB\", writes = 0 }]";
        check(
            "",
            &[("STREAMGATE_EDGE__DISKS", disks)],
            Ok(|c| c.edge_disks.len() == 2 && c.edge_disks[1].bytes == 2 << 30),
        );
        check("", &[("STREAMGATE_EDGE__DISKS", "[{")], Err("STREAMGATE_EDGE__DISKS: `[{` is not a list"));
        check("", &[("STREAMGATE_EDGE__TRUSTED_PROXIES", "10.0.0.0/8,::1")], Ok(|c| c.trusted_proxies.len() == 2));
        check("", &[("STREAMGATE_EDGE__RAM", "1 GiB")], Ok(|c| c.edge_ram_bytes == 1 << 30));
        check("", &[("STREAMGATE_STORAGE__DATA", "7")], Ok(|c| c.data == Path::new("7")));
        check("", &[("STREAMGATE_EDGE__SHARD", "2")], Err("STREAMGATE_EDGE__SHARD: there is no key `edge.shard`"));
    }

    #[test]
    fn values_that_cannot_be_used_are_refused_with_a_reason() {
        check("[gate]\nsignin_domains = [\"a b\"]\n", &[], Err("gate.signin_domains: \"a b\" is no authority"));
        check("[gate]\nsignin_role = \"admin\"\n", &[], Err("gate.signin_role = \"admin\""));
        check("[gate]\naccess_seconds = 9999\n", &[], Err("gate.access_seconds goes from"));
        check("[storage]\nobjects = \"/var\"\n", &[], Err("x.toml:2: a value cannot be used: storage.objects"));
        check("[storage]\nobjects = \"s3://videos\"\n", &[], Err("storage.s3_access_key, storage.s3_secret_key"));
        check("[origin]\nadmin_key = \"short\"\n", &[], Err("origin.admin_key is shorter"));
        check("[edge]\nhttp = \"nowhere\"\n", &[], Err("x.toml:2: a value cannot be used: edge.http = \"nowhere\""));
        check(
            "\n[edge]\n# http\nshards = 1\nram = \"1 MiB\"\n",
            &[],
            Err("x.toml:5: a value cannot be used: edge.ram"),
        );
        check("[upstream.health]\npath = \"x\"\n", &[], Err("x.toml:2: a value cannot be used: upstream.health.path"));
        check("[edge]\nhttps = \"0.0.0.0:8443\"\n", &[], Err("edge.https needs a certificate"));
        check("[edge]\ntls_certificates = [{ cert = \"c\", key = \"k\" }]\n", &[], Err("without edge.https"));
        let with = |hsts| {
            format!(
                "[edge]\nhttps = \"[::]:8443\"\ntls_certificates = [{{ cert = \"c\", key = \"k\" }}]\nhsts = \"{hsts}\"\n"
            )
        };
        for told in ["max-age=0", "max-age=31536000; includeSubDomains; preload"] {
            check(&with(told), &[], Ok(|c| c.edge_https.as_ref().is_some_and(|https| https.hsts.is_some())));
        }
        for told in
            ["31536000", "max-age=1 year", "max-age=+1", "max-age=1; includeSubdomain", "max-age=1\\r\\nX: y", ";"]
        {
            check(&with(told), &[], Err("edge.hsts is not understood"));
        }
        check("[edge]\nhttps = \"[::]:8443\"\ntls_certificates = [{ cert = \"c\" }]\n", &[], Err("no cert, or no key"));
        check("[edge]\nram = \"1 MiB\"\n", &[], Err("edge.ram"));
        check("[edge]\nram = \"a lot\"\n", &[], Err("edge.ram"));
        check("[edge]\ndisks = [{ size = \"1 GiB\" }]\n", &[], Err("an entry of edge.disks has no path"));
        check("[edge]\ndisks = [{ path = \"x\" }]\n", &[], Err("edge.disks: x has a size below"));
        check("[edge]\ndisks = [{ path = \"x\", size = \"1 GB\" }]\n", &[], Err("edge.disks: the size of x"));
        check("[edge]\ndisks = [{ path = \"x\", sise = 1 }]\n", &[], Err("sise"));
        check(
            "[edge]\ntrusted_proxies = [\"10.0.0.1/8\"]\n",
            &[],
            Err("edge.trusted_proxies: \"10.0.0.1/8\" is no range"),
        );
        check("[cache]\nredis = \"nonsense\"\n", &[], Err("cache.redis: it is no address"));
        check("[cache]\nredis = \"rediss://a\"\n", &[], Err("cache.redis: rediss:// is not spoken"));
        check(
            "[origin]\ncors_origins = [\"https://a/\"]\n",
            &[],
            Err("origin.cors_origins: \"https://a/\" is no origin"),
        );
        check("[origin]\ntrusted_proxies = [\"x\"]\n", &[], Err("origin.trusted_proxies: \"x\" is no range"));
        check("[nats]\nurl = \"http://a b\"\n", &[], Err("nats.url: it is no address"));
        check("[roles]\nrun = \"gate\"\n", &[], Err("roles.run: there is no role \"gate\""));
        check("[roles]\nupload = [\"a\"]\n", &[], Err("roles.upload: \"a\": it is no address"));
        check("[roles]\nsecret = \"short\"\n", &[], Err("roles.secret is shorter"));
        check("[edge]\nproxy_protocol = true\n", &[], Err("edge.proxy_protocol is of no use"));
        check("[edge]\ntrusted_field = \"via\"\n", &[], Err("edge.trusted_field"));
        check("[edge]\nsend_zc = \"yes\"\n", &[], Err("edge.send_zc = \"yes\"; write \"auto\""));
        check("[edge]\nsend_zc = \"off\"\n", &[], Ok(|c| c.send_zc == edge::SendZc::Off));
        check("[work]\nav1_speed = 11\n", &[], Err("work.av1_speed"));
        check("[work]\nbackups_kept = 0\n", &[], Err("work.backups_kept goes from 1"));
        check("[work]\nbackup_folder = \"data/backups\"\n", &[], Err("work.backup_folder is within storage.data"));
        check("[upstream]\nurl = \"ftp://a\"\n", &[], Err("upstream.url = \"ftp://a\": it must begin with http://"));
        check("[upstream]\nurl = \"http://a/b\"\n", &[], Err("without a path"));
        check("[[upstream.origins]]\nweight = 2\n", &[], Err("upstream.origins"));
        check("[[upstream.origins]]\nurl = \"http://a\"\nwieght = 2\n", &[], Err("wieght"));
        check("[upstream]\nhost = \"a b\"\n", &[], Err("upstream.host"));
        check("[upstream]\ntry_ms = 0\n", &[], Err("upstream.try_ms"));
        check("[upstream.health]\npath = \"x\"\n", &[], Err("upstream.health.path"));
        check("[upstream.tier]\npeers = [\"http://a\"]\n", &[], Err("upstream.tier.self"));
        check("[gate]\nkeys = [\"nonsense\"]\n", &[], Err("gate.keys"));
        check("[[gate.chains]]\nname = \"anvil\"\n", &[], Err("gate.chains: anvil needs rpc"));
        check("[[gate.chains]]\nname = \"mine\"\nrpc = [\"http://a\"]\n", &[], Err("gate.chains: the id of mine"));
        check(
            "[[gate.chains]]\nname = \"base\"\nid = 1\nrpc = [\"http://a\"]\n",
            &[],
            Err("gate.chains: base has the id"),
        );
        check("[[gate.chains]]\nname = \"base\"\nrpc = [\"ftp://a\"]\n", &[], Err("gate.chains: an endpoint is no"));
        check(
            "[[gate.chains]]\nname = \"base\"\nrpc = [\"https://a\"]\nquorum = 2\n",
            &[],
            Err("gate.chains: the quorum of base"),
        );
        check(
            "[[gate.chains]]\nname = \"base\"\nrpc = [\"https://a\"]\nfinality = \"12\"\n",
            &[],
            Ok(|c| c.chains[0].id == 8453),
        );
        check(
            "[[gate.chains]]\nname = \"solana\"\nrpc = [\"https://a\"]\n",
            &[],
            Ok(|c| matches!(c.chains[0].network, origin::Network::Solana(Some(_)))),
        );
        check(
            "[[gate.chains]]\nname = \"solana\"\nrpc = [\"https://a\"]\nfinality = \"safe\"\n",
            &[],
            Err("gate.chains: solana is a cluster"),
        );
        check("[edge]\nshards = \"two\"\n", &[], Err("shards"));
    }

    #[test]
    fn a_key_of_a_section_in_a_section_is_a_key_like_any_other() {
        check("[upstream.health]\npath = \"/up\"\n", &[], Ok(|c| c.upstream.health.path.as_deref() == Some("/up")));
        let path = ("STREAMGATE_UPSTREAM__HEALTH__PATH", "/up");
        check("", &[path], Ok(|c| c.upstream.health.path.as_deref() == Some("/up")));
        let words = "x.toml:3: there is no key `upstream.health.pth`; did you mean `upstream.health.path`?";
        check("\n[upstream.health]\npth = \"/up\"\n", &[], Err(words));
        check(
            "",
            &[("STREAMGATE_UPSTREAM__HEALTH", "1")],
            Err("STREAMGATE_UPSTREAM__HEALTH: `upstream.health` is a section"),
        );
        check("[upstream]\nhealth = 1\n", &[], Err("x.toml:2: `upstream.health` is a section"));
    }

    #[test]
    fn several_origins_take_the_place_of_the_url() {
        let text = "[upstream]\nshield = \"https://s\"\n[[upstream.origins]]\nurl = \"http://a\"\nweight = 3\n\
            [[upstream.origins]]\nurl = \"http://b:81\"\nbackup = true\n\
            [upstream.tier]\npeers = [\"http://e1\", \"http://e2\"]\nself = \"http://e1\"\n";
        check(
            text,
            &[],
            Ok(|c| {
                let of = |s: &edge::Source| (s.to_string(), s.weight, s.backup);
                let origins: Vec<_> = c.upstream.origins.iter().map(of).collect();
                origins == [("http://a".to_owned(), 3, false), ("http://b:81".to_owned(), 1, true)]
                    && c.upstream.shield.as_ref().is_some_and(|s| s.tls && s.port == 443)
                    && c.upstream.tier.as_ref().is_some_and(|t| t.peers.len() == 2 && t.me.host == "e1")
            }),
        );
    }
}
