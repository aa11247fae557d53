//! Who calls.

use std::sync::Arc;

use super::{Permission, Role};

/// The longest actor, in characters.
const ACTOR_CHARS_MAX: usize = 128;

/// Somebody who has shown who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// What records say: see [`is_actor`].
    pub(crate) actor: Arc<str>,
    pub(crate) roles: Roles,
}

impl Caller {
    /// Somebody by name, if it is one.
    pub(crate) fn named(actor: &str, roles: Roles) -> Option<Self> {
        is_actor(actor).then(|| Self { actor: Arc::from(actor), roles })
    }
}

/// Whether a text can name an actor: 1 to 128 visible ASCII characters. The same for headers, tokens and certificates: it
/// travels in headers, and stands in evidence where nobody may be mistaken for somebody who looks alike.
fn is_actor(text: &str) -> bool {
    !text.is_empty() && text.len() <= ACTOR_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles(u8);

impl Roles {
    /// Every role.
    pub(crate) fn all() -> Self {
        Role::ALL.into_iter().collect()
    }

    /// Whether any of them has the permission.
    pub(crate) fn have(self, permission: &Permission) -> bool {
        permission.roles.iter().any(|role| self.0 & bit(*role) != 0)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | bit(role)))
    }
}

const fn bit(role: Role) -> u8 {
    match role {
        Role::Viewer => 1,
        Role::Agent => 1 << 1,
        Role::Supervisor => 1 << 2,
        Role::Auditor => 1 << 3,
        Role::Operator => 1 << 4,
        Role::Service => 1 << 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_visible_ascii_of_bounded_length() {
        for good in ["amira", "spiffe://cases.example/worker", &"x".repeat(128)] {
            assert!(Caller::named(good, Roles::default()).is_some(), "{good:?}");
        }
        for bad in ["", "two words", "amira\n", "ämira", "amira\u{200b}", &"x".repeat(129)] {
            assert_eq!(Caller::named(bad, Roles::default()), None, "{bad:?}");
        }
    }

    #[test]
    fn a_permission_is_had_through_any_of_the_roles_and_no_other() {
        let permission = Permission { name: "test", roles: &[Role::Agent, Role::Service] };
        for role in Role::ALL {
            let one: Roles = [role].into_iter().collect();
            assert_eq!(one.have(&permission), permission.roles.contains(&role), "{role:?}");
        }
        let several: Roles = [Role::Viewer, Role::Service].into_iter().collect();
        assert!(several.have(&permission) && Roles::all().have(&permission));
        assert!(!Roles::default().have(&permission));
        assert!(!Roles::all().have(&Permission { name: "nobody's", roles: &[] }));
    }
}
