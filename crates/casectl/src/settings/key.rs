//! The names of the settings: one name makes the flag, the variable and the key of the file. Only the token itself has no
//! flag: whoever lists the processes of the machine would see it.

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The host of all services, on their default ports.
    Server,
    /// The address of the command service.
    Command,
    /// The address of the query service.
    Query,
    /// The address of the audit service.
    Audit,
    /// Who acts.
    Actor,
    /// The bearer token.
    Token,
    /// The file that holds the bearer token.
    TokenFile,
    /// Whether the token may go where others can read it.
    PlaintextToken,
    /// The authorities whose servers are believed.
    Ca,
    /// The certificate that servers are shown.
    Certificate,
    /// Its private key.
    PrivateHalf,
    /// For people or for programs.
    Output,
    /// When to colour.
    Color,
    /// How times are written.
    Times,
    /// The time zone of written times.
    Zone,
    /// How long a call may take.
    Timeout,
}

impl Key {
    /// All of them, in the order of the documentation.
    pub(crate) const ALL: [Self; 16] = [
        Self::Server,
        Self::Command,
        Self::Query,
        Self::Audit,
        Self::Actor,
        Self::Token,
        Self::TokenFile,
        Self::PlaintextToken,
        Self::Ca,
        Self::Certificate,
        Self::PrivateHalf,
        Self::Output,
        Self::Color,
        Self::Times,
        Self::Zone,
        Self::Timeout,
    ];

    /// As in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Command => "command",
            Self::Query => "query",
            Self::Audit => "audit",
            Self::Actor => "actor",
            Self::Token => "token",
            Self::TokenFile => "token_file",
            Self::PlaintextToken => "plaintext_token",
            Self::Ca => "ca",
            Self::Certificate => "certificate",
            Self::PrivateHalf => "key",
            Self::Output => "output",
            Self::Color => "color",
            Self::Times => "times",
            Self::Zone => "zone",
            Self::Timeout => "timeout",
        }
    }

    /// As a flag: `--token-file`.
    pub(crate) fn flag(self) -> String {
        format!("--{}", self.name().replace('_', "-"))
    }

    /// As an environment variable: `CASECTL_TOKEN_FILE`.
    pub(crate) fn variable(self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name().to_ascii_uppercase())
    }

    /// By the name in the file.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}

/// What every variable of ours begins with.
pub(crate) const VARIABLE_PREFIX: &str = "CASECTL_";
/// The variable that names the file; it cannot stand in the file.
pub(crate) const CONFIG_VARIABLE: &str = "CASECTL_CONFIG";

/// The end of a message that names the nearest known name: nothing if none is near.
pub(crate) fn suggestion<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    // rustc's own rule: a third of the length may differ, and one letter always.
    let forgiven = (given.chars().count() / 3).max(1);
    let near = known.into_iter().map(|name| (strsim::osa_distance(given, name), name)).min();
    match near {
        Some((distance, name)) if distance <= forgiven => format!("; did you mean {name}?"),
        Some(_) | None => String::new(),
    }
}
