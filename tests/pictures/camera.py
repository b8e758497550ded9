# SPDX-License-Identifier: MIT
"""Pictures of pages: taken by Chromium at twice their size, and written with 256 colours at most.

Chromium's own pictures are two to three times as large; text and flat colours lose nothing.
"""

import base64
import struct
import zlib

SCALE = 2
COLOURS_MAX = 256

# Chromium itself reads its picture: the most frequent colours, and for each pixel the nearest one.
COUNT_COLOURS = """
const [source, most, done] = arguments;
const image = new Image();
image.onload = async () => {
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const {data} = pen.getImageData(0, 0, image.width, image.height);
  const pixels = new Uint32Array(data.buffer), counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
  const colours = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, most);
  const part = (colour, i) => colour >>> 8 * i & 255;
  const distance = (a, b) =>
    [0, 1, 2, 3].reduce((sum, i) => sum + (part(a, i) - part(b, i)) ** 2, 0);
  const nearest = (colour) => {
    let best = 0, least = Infinity;
    colours.forEach((one, i) => {
      const far = distance(one, colour);
      if (far < least) { least = far; best = i; }
    });
    return best;
  };
  const numbers = new Map(colours.map((colour, i) => [colour, i]));
  for (const colour of counts.keys())
    if (!numbers.has(colour)) numbers.set(colour, nearest(colour));
  const reader = new FileReader();
  reader.onload = () => done({width: image.width, height: image.height,
    palette: colours.map((colour) => [0, 1, 2, 3].map((i) => part(colour, i))),
    numbers: reader.result.split(",")[1]});
  reader.readAsDataURL(new Blob([Uint8Array.from(pixels, (pixel) => numbers.get(pixel))]));
};
image.onerror = () => done(null);
image.src = "data:image/png;base64," + source;
"""


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, palette, numbers):
    """A picture of so many pixels, each the number of a colour (red, green, blue, opacity)."""
    rows = b"".join(b"\0" + numbers[y * width:(y + 1) * width] for y in range(height))
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
             chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in palette)),
             chunk(b"tRNS", bytes(colour[3] for colour in palette)),
             chunk(b"IDAT", zlib.compress(rows, 9)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class Camera:
    def __init__(self, browser):
        self.browser = browser
        browser.set_script_timeout(60)

    def fit(self, width, height):
        """Give pages so many pixels of their own."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": SCALE, "mobile": False})

    def take(self, place):
        return self.browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "clip": {**place, "scale": 1}})["data"]

    def take_page(self, width, height):
        return self.take({"x": 0, "y": 0, "width": width, "height": height})

    def take_element(self, name):
        """An element alone: nothing is behind its corners."""
        self.browser.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride",
                                     {"color": {"r": 0, "g": 0, "b": 0, "a": 0}})
        taken = self.take(self.browser.find_element("id", name).rect)
        self.browser.execute_cdp_cmd("Emulation.setDefaultBackgroundColorOverride", {})
        return taken

    def write(self, taken, path):
        """Write a picture that was taken. The page is gone then."""
        self.browser.get("about:blank")
        picture = self.browser.execute_async_script(COUNT_COLOURS, taken, COLOURS_MAX)
        path.write_bytes(png(picture["width"], picture["height"], picture["palette"],
                             base64.b64decode(picture["numbers"])))
