"""The page of examples/browser, as a person sees and uses it."""

from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

__all__ = ["SessionPage"]

PATIENCE_MS = 30_000


class SessionPage:
    """An open page with its fields filled in."""

    def __init__(self, page: Page, origin: str, address: str, token: str) -> None:
        self.page = page
        page.set_default_timeout(PATIENCE_MS)
        page.goto(origin)
        self.fill(Address=address, Token=token)

    @property
    def events(self) -> Locator:
        """The lines of the events."""
        return self.page.locator("#events li")

    def fill(self, **fields: str) -> None:
        """Fills fields in, by their labels."""
        for label, text in fields.items():
            self.page.get_by_label(label).fill(text)

    def choose(self, protocol: str) -> None:
        """Chooses the protocol."""
        self.page.get_by_label("Protocol").select_option(protocol)

    def press(self, button: str) -> None:
        """Presses a button."""
        self.page.get_by_role("button", name=button, exact=True).click()

    def follow(self) -> None:
        """Follows the session, and waits until the daemon answers."""
        self.press("Follow")
        self.says("following", exactly=True)

    def says(self, text: str, *, exactly: bool = False) -> None:
        """Waits until the page says this of its state."""
        status = expect(self.page.get_by_role("status"))
        if exactly:
            status.to_have_text(text, timeout=PATIENCE_MS)
        else:
            status.to_contain_text(text, timeout=PATIENCE_MS)

    def complains(self, text: str) -> None:
        """Waits until the page tells of an error with these words."""
        expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=PATIENCE_MS)

    def shows(self, lines: Sequence[str]) -> None:
        """Waits until the page shows these events, in this order, and no others."""
        expect(self.events).to_have_text(list(lines), timeout=PATIENCE_MS)
