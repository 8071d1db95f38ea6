"""Django REST framework with simplejwt, as their documentation sets them up; a site in one file."""

import os
from urllib.parse import urlsplit

import pymysql

pymysql.install_as_MySQLdb()

import django  # noqa: E402  the driver has to be there first
from django.conf import settings  # noqa: E402

database = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    SECRET_KEY="a-secret-of-the-benchmark-0123456789",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework_simplejwt.token_blacklist",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "NAME": database.path.lstrip("/"),
            "USER": database.username,
            "PASSWORD": database.password or "",
            "HOST": database.hostname,
            "PORT": database.port or 3306,
            "CONN_MAX_AGE": 60,
        }
    },
    # The documentation's way to bcrypt; its default cost is 12.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402  only after the set-up
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402
from rest_framework.decorators import api_view, permission_classes  # noqa: E402
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework_simplejwt.views import (  # noqa: E402
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
)


class NewUser(serializers.ModelSerializer):
    """An account, coming in."""

    class Meta:
        """What is sent."""

        model = User
        fields = ("username", "email", "password")
        extra_kwargs = {"password": {"write_only": True}}  # noqa: RUF012  as Django has it

    def create(self, validated_data: dict) -> User:
        """Make the account."""
        return User.objects.create_user(**validated_data)


class SignUp(generics.CreateAPIView):
    """Sign-up."""

    permission_classes = (AllowAny,)
    serializer_class = NewUser


@api_view(["GET"])
@permission_classes([AllowAny])
def public_board(_: Request) -> Response:
    """For all."""
    return Response("Public Content.")


@api_view(["GET"])
@permission_classes([IsAuthenticated])
def user_board(_: Request) -> Response:
    """For who is signed in."""
    return Response("User Content.")


@api_view(["GET"])
@permission_classes([IsAdminUser])
def admin_board(_: Request) -> Response:
    """For administrators."""
    return Response("Admin Content.")


urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/token/blacklist/", TokenBlacklistView.as_view()),
    path("api/signup/", SignUp.as_view()),
    path("api/test/all", public_board),
    path("api/test/user", user_board),
    path("api/test/admin", admin_board),
]
application = get_wsgi_application()

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
