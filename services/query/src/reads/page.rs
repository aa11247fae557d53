//! How much of a list goes into one answer.

use prost::Message;
use storage::Error;

/// What an item in a list has beside itself, in bytes: tag and length.
const ITEM_OVERHEAD_BYTES: usize = 6;

/// Items of one page.
pub(super) struct Page<T, P> {
    pub(super) items: Vec<T>,
    /// Behind which place the list goes on, if it does.
    pub(super) goes_on_after: Option<P>,
}

/// How much a page may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLimits {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl PageLimits {
    /// One more than the page has: whether the list goes on.
    pub(super) const fn looked_at(self) -> usize {
        self.items.saturating_add(1)
    }
}

impl<T: Message, P> Page<T, P> {
    /// As many items as the caller wants and the answer holds; at least one, however large, if there is any. What is not
    /// taken is not read.
    pub(super) fn fill(items: impl Iterator<Item = Result<(P, T), Error>>, limits: PageLimits) -> Result<Self, Error> {
        let mut page = Self { items: Vec::new(), goes_on_after: None };
        let (mut bytes, mut last) = (0, None);
        for item in items {
            let (place, item) = item?;
            bytes += bytes_in_list(&item);
            let is_full = page.items.len() == limits.items || bytes > limits.bytes;
            if is_full && last.is_some() {
                page.goes_on_after = last;
                break;
            }
            page.items.push(item);
            last = Some(place);
        }
        Ok(page)
    }
}

/// What an item takes of an answer, in bytes.
pub(super) fn bytes_in_list(item: &impl Message) -> usize {
    item.encoded_len() + ITEM_OVERHEAD_BYTES
}
