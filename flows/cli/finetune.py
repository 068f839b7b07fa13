"""`autodetect finetune`: deep training of the backbone, beside the nights."""

from typing import Annotated

import typer

from flows.cli.output import JsonOption, LakeOption, quiet_prefect, show, telling_interrupts

StepsOption = Annotated[int | None, typer.Option(min=1, help="Updates of the weights; default: finetune.steps.")]
FromLayerOption = Annotated[
    str | None,
    typer.Option(
        metavar="LAYER",
        help='Train the backbone from this block up, named by its last layer, such as mixed5; "" trains all of it. '
        "Default: finetune.from_layer.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(finetune)


def finetune(
    steps: StepsOption = None,
    from_layer: FromLayerOption = None,
    lake: LakeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the backbone itself on the photos of the last snapshot, and propose it as the next one.

    A night trains only the head on top of a frozen backbone. This trains the backbone too, for hours; a GPU is used
    where there is one. It publishes nothing: afterwards the nights embed all photos with the new backbone, in the
    background, and the gate decides between it and the champion, which answers until then. `autodetect backbone renew`
    makes the embeddings at once.

    It wants a champion, so a night that was published. Only one run may use a lake at a time: start it when the next
    night is far away (deadlines.finetune ends it after 18 hours). Interrupted or killed, it goes on from its last
    checkpoint when run again, to the same result. With the same photos and settings as the last time it does nothing.

    Weights that were trained before (ImageNet's) are trained from a block up, here mixed5, the middle of InceptionV3.
    Random ones must be trained whole. Examples:

        autodetect finetune

        autodetect finetune --steps 20000 --from-layer ""

    Loss and validation accuracy can be watched: tensorboard --logdir var/work
    """
    quiet_prefect()
    from flows.finetune import FinetuneOptions, FinetuneSummary, as_text, look
    from flows.finetune import finetune as flow

    options = FinetuneOptions(steps=steps, from_layer=from_layer, lake=lake)
    look(options)
    from flows.private_server import prefect_api

    with telling_interrupts(), prefect_api():
        summary = flow(options, return_state=True).result()
    assert isinstance(summary, FinetuneSummary)
    show(summary.model_dump(mode="json"), as_text(summary), as_json=as_json)
