"""The filters between decoder and encoder, as one string for FFmpeg's `-af`."""

from soundstrip_worker.recipe import Recipe, Shape

# ITU-R BS.775-4, table 2: centre and surround channels go into stereo by 1/sqrt(2), the LFE channel
# not at all. With rematrix_maxval the sums are scaled to 1, so that nothing clips.
_DOWNMIX = (
    "center_mix_level=0.70710678:surround_mix_level=0.70710678:lfe_mix_level=0:rematrix_maxval=1"
)
_GAP_SECONDS = 0.05
# Timestamps by counting samples from the first on, until one is off by so much that there is a gap:
# Matroska's and FLV's are whole milliseconds. Variable 0 is the next one, variable 1 this one.
_COUNTED = (
    f"if(eq(N,0)+gt(abs(PTS-ld(0))*TB,{_GAP_SECONDS}),st(0,PTS));st(1,ld(0));st(0,ld(0)+S);ld(1)"
)
# Where FFmpeg began in the middle, the second one (the first may be cut short) is the next multiple
# of its frame's samples from the track's beginning on: what counting from there would have come to.
# Variable 2 is the beginning, then that multiple, and 3 counts frames. What rounding can't explain
# stays as it is.
_GRID_SECONDS = 0.0021
_GRIDDED = (
    f"st(3,ld(3)+1);if(lte(ld(3),2)+gt(abs(PTS-ld(0))*TB,{_GAP_SECONDS}),st(0,PTS));"
    "if(eq(ld(3),2),st(2,round(%s/TB));st(2,ld(2)+round((PTS-ld(2))/S)*S);"
    f"if(lte(abs(PTS-ld(2))*TB,{_GRID_SECONDS}),st(0,ld(2))));"
    "st(1,ld(0));st(0,ld(0)+S);ld(1)"
)
_DITHER = "dither_method=triangular"
_DITHERED_DEPTH = 16
_MONO = 1
_STEREO = 2
_FLOAT = "flt"


def chain(recipe: Recipe, shape: Shape, gain: str = "") -> str:
    """Return the whole chain; `gain` is what `loudness` says.

    Its last filter sets the timestamps: the result begins at 0, or, for FFmpeg to shift it, where
    the trim does. What is added behind it counts the result's own samples.
    """
    return ",".join([*_cut(recipe), *_mix(shape), *_finish(shape, gain), _clock(recipe)])


def measured_chain(recipe: Recipe, shape: Shape, gain: str = "") -> str:
    """Return the chain up to the encoder's own format: what it lets through is to be measured."""
    through = [gain, *_bridge(shape)] if gain else []
    return ",".join([*_cut(recipe), *_mix(shape), *_bridge(shape), *through])


def _cut(recipe: Recipe) -> list[str]:
    """Exact to the sample, by the media's time, however roughly the container tells it."""
    trim, seek = recipe.output.trim, recipe.seek
    if trim is None:
        return []
    grid = None if seek is None else seek.grid
    clock = _COUNTED if grid is None else _GRIDDED % f"{grid:.6f}"
    end = "" if trim.duration is None else f":end={recipe.begin + trim.duration:.6f}"
    return [f"asetpts='{clock}'", f"atrim=start={recipe.begin:.6f}{end}"]


def _mix(shape: Shape) -> list[str]:
    """Mono becomes stereo with both channels as loud as it was."""
    if (shape.from_channels, shape.channels) == (_MONO, _STEREO):
        return ["pan=stereo|c0=c0|c1=c0"]
    return []


def _finish(shape: Shape, gain: str) -> list[str]:
    first = [*_bridge(shape), gain] if gain else []
    coarse = shape.depth == _DITHERED_DEPTH and not shape.exact
    options = f"{_DOWNMIX}:{_DITHER}" if coarse else _DOWNMIX
    return [
        *first,
        f"aresample={options}",
        _format(shape, shape.encoder.sample_formats[shape.depth]),
    ]


def _bridge(shape: Shape) -> list[str]:
    return [f"aresample={_DOWNMIX}", _format(shape, _FLOAT)]


def _format(shape: Shape, sample_formats: str) -> str:
    layouts = shape.encoder.layouts
    layout = layouts[shape.channels - 1] if shape.channels else "|".join(layouts)
    rate = f":sample_rates={shape.rate}" if shape.rate else ""
    return f"aformat=sample_fmts={sample_formats}{rate}:channel_layouts={layout}"


def _clock(recipe: Recipe) -> str:
    if recipe.shifted:
        return f"asetpts=PTS-STARTPTS+round({recipe.begin:.6f}/TB)"
    return "asetpts=PTS-STARTPTS"
