//! What goes wrong with a chain: when it is set up, with one answer, and with a question as a whole.

/// A chain of the configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainSetupError {
    /// Not a name.
    #[error("gate.chains: {0:?} is no name of a chain; it has lower-case letters, digits and hyphens")]
    Name(String),
    /// No number, or not that of the chain of this name.
    #[error("gate.chains: the id of {0} is not its number (EIP-155)")]
    Id(String),
    /// Of Solana what is final is final.
    #[error("gate.chains: {0} is a cluster of Solana: its finality is \"finalized\"")]
    Finality(String),
    /// No subscriptions there.
    #[error("gate.chains: {0} is a cluster of Solana: it has no ws")]
    Untold(String),
    /// None, or too many.
    #[error("gate.chains: {0} needs rpc = [\"https://...\"], eight at most")]
    Endpoints(String),
    /// More than there are endpoints.
    #[error("gate.chains: the quorum of {0} goes from 1 to the number of its endpoints")]
    Quorum(String),
    /// Not `http://` or `https://`.
    #[error("gate.chains: an endpoint is no address such as \"https://host/path\"")]
    Url,
    /// Not `ws://` or `wss://`.
    #[error("gate.chains: ws is no address such as \"wss://host/path\"")]
    Socket,
    /// Two of the same name or number.
    #[error("gate.chains: {0} is there twice, or its number is")]
    Twice(String),
}

/// One endpoint did not give an answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RpcError {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it answers {0}")]
    Status(u16),
    #[error("its answer is larger than any right one")]
    TooLarge,
    #[error("its answer was cut")]
    Cut,
    #[error("its answer is no JSON-RPC")]
    NotRpc,
    #[error("it answers another question")]
    WrongId,
    #[error("it refuses with {0}")]
    Refused(i64),
    #[error("the call reverted")]
    Reverted,
    #[error("its answer is no such value")]
    BadValue,
    #[error("it is on another chain")]
    WrongChain,
    #[error("it takes too long")]
    Slow,
}

impl RpcError {
    /// For status pages; closed, so it may be a label.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge => "too-large",
            Self::Cut => "cut",
            Self::NotRpc => "not-json-rpc",
            Self::WrongId => "wrong-id",
            Self::Refused(_) => "refused",
            Self::Reverted => "reverted",
            Self::BadValue => "bad-value",
            Self::WrongChain => "wrong-chain",
            Self::Slow => "slow",
        }
    }
}

/// A chain could not be asked. Whoever asked knows nothing, and so opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    #[error("{chain} did not answer within its time limit")]
    OutOfTime { chain: String },
    #[error("no endpoint of {chain} gave an answer, the last one: {last}")]
    NoAnswer { chain: String, last: RpcError },
    #[error("the endpoints of {chain} do not agree")]
    NoQuorum { chain: String },
    #[error("the last block of {chain} is too old: its endpoint stands still")]
    StandsStill { chain: String },
}
