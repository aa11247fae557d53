//! Consistency tokens: a point of one store's feed, opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The form of the token; another number is another layout.
const VERSION: u8 = 1;
const EPOCH_BYTES: usize = 16;
const TOKEN_BYTES: usize = 1 + EPOCH_BYTES + 8;

/// A store's random id; a restored store has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub [u8; EPOCH_BYTES]);

impl Epoch {
    /// From the bytes of a message; `None` if there are not 16.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// Everything up to a position of one store's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsistencyToken {
    /// Which store.
    pub epoch: Epoch,
    /// The last position it stands for; 0: nothing yet.
    pub position: u64,
}

/// The text is no token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a consistency token; give back what an earlier answer said, unchanged")]
pub struct InvalidToken;

impl ConsistencyToken {
    /// As text: URL-safe base64 of version (1 byte), epoch (16) and position (8, big endian).
    pub fn encode(&self) -> String {
        let mut bytes = [VERSION; TOKEN_BYTES];
        let (epoch, position) = bytes[1..].split_at_mut(EPOCH_BYTES);
        epoch.copy_from_slice(&self.epoch.0);
        position.copy_from_slice(&self.position.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads [`Self::encode`]'s form.
    pub fn decode(text: &str) -> Result<Self, InvalidToken> {
        // The length is checked first: a token of a megabyte is not decoded only to be refused.
        if text.len() != TOKEN_BYTES.div_ceil(3) * 4 - (3 - TOKEN_BYTES % 3) % 3 {
            return Err(InvalidToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        let (version, rest) = bytes.split_first().ok_or(InvalidToken)?;
        let (epoch, position) = rest.split_at_checked(EPOCH_BYTES).ok_or(InvalidToken)?;
        if *version != VERSION {
            return Err(InvalidToken);
        }
        let epoch = Epoch::from_slice(epoch).ok_or(InvalidToken)?;
        let position = u64::from_be_bytes(position.try_into().map_err(|_| InvalidToken)?);
        Ok(Self { epoch, position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_its_form() {
        let token = ConsistencyToken { epoch: Epoch([7; 16]), position: 258 };
        assert_eq!(token.encode(), "AQcHBwcHBwcHBwcHBwcHBwcAAAAAAAABAg");
        assert_eq!(ConsistencyToken::decode(&token.encode()), Ok(token));
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        for text in
            ["", "x", "AgcHBwcHBwcHBwcHBwcHBwcAAAAAAAABAg", "AQcHBwcHBwcHBwcHBwcHBwcAAAAAAAABA!", &"A".repeat(1_000)]
        {
            assert_eq!(ConsistencyToken::decode(text), Err(InvalidToken), "{text}");
        }
    }
}
