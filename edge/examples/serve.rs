//! An edge alone, for measurements: `serve UPSTREAM LISTEN [SHARDS] [RAM_MIB] [CONGESTION] [SEND_ZC]`. Ends on standard input's end.

use std::io::Read;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |n: usize, default: &str| args.get(n).cloned().unwrap_or_else(|| default.to_owned());
    let mut config = edge::Config::new(edge::Upstream::new(
        edge::Source::parse(&arg(0, "http://127.0.0.1:9090")).expect("a URL such as http://127.0.0.1:9090"),
    ));
    config.http = arg(1, "127.0.0.1:8080").parse()?;
    config.admin = Some("127.0.0.1:0".parse()?);
    config.shards = arg(2, "1").parse()?;
    config.ram_bytes = arg(3, "512").parse::<u64>()? * 1024 * 1024;
    config.congestion = args.get(4).filter(|name| !name.is_empty()).cloned();
    config.send_zc = match arg(5, "auto").as_str() {
        "on" => edge::SendZc::On,
        "off" => edge::SendZc::Off,
        _ => edge::SendZc::Auto,
    };
    config.limits.object_share = 2;
    let edge = edge::start(config)?;
    println!("edge on {} with {} shards, admin on {:?}", edge.http_addr(), edge.shards(), edge.admin_addr());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{:?}", edge.drain(Duration::from_secs(5)));
    Ok(())
}
