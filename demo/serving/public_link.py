"""--share: a public link through Gradio's tunnel, opened when the page is up.

Not by `launch(share=True)`: that checks the local server by the same call, through the same proxy, and tells a failure
in six lines about a file to download by hand.
"""

import gradio as gr
from gradio import networking

from bundle.errors import UserError
from demo.serving.address import EVERYWHERE, Address

WEEK = "for a week at most"


def open_link(demo: gr.Blocks, address: Address) -> str:
    """The public address of a page that runs at `address`. Raises UserError when there is none."""
    if demo.space_id:
        raise UserError("A Space needs no --share: it is public at its own address.")
    host = EVERYWHERE.get(address.host, address.host)
    try:
        link = networking.setup_tunnel(host, address.port, demo.share_token, None, None)
    except Exception as error:  # its errors share no base class: no connection, no program for this machine, a checksum
        raise UserError(
            "There is no public link: Gradio's server for them could not be reached, or its program not be fetched. "
            "Is this machine online? The page is served here all the same."
        ) from error
    public = link.replace("http://", "https://", 1)
    vars(demo).update(share=True, share_url=public)
    return public
