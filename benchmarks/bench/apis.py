"""How each peer is spoken to: the same operations, in its own words."""

from dataclasses import dataclass

PASSWORD = "a password of the benchmark"
BEARER = "Authorization: Bearer {}"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Api:
    """Paths, and bodies with `{n}` for the number of an account; an empty path is an operation that it has not."""

    sign_up: str = ""
    new_account: str = ""
    sign_in: str = ""
    credentials: str = ""
    sign_in_type: str = JSON
    # The names of the tokens in the answer to a sign-in.
    access: str = ""
    refresh: str = ""
    token_header: str = BEARER
    refreshing: str = ""
    # The name of the refresh token in the JSON that is sent for the next.
    refresh_sent: str = ""
    sign_out: str = ""
    # The JSON of a sign-out, with `{token}`; without it the token goes into the header.
    sign_out_body: str = ""
    public: str = "/api/test/all"
    user: str = "/api/test/user"
    admin: str = "/api/test/admin"
    jwks: str = ""
    # What makes account `{n}` an administrator.
    promote: str = ""


GATEPOST = Api(
    sign_up="/api/auth/signup",
    new_account=f'{{"username": "bench{{n}}", "email": "bench{{n}}@example.com", "password": "{PASSWORD}"}}',
    sign_in="/api/auth/signin",
    credentials=f'{{"username": "bench{{n}}", "password": "{PASSWORD}"}}',
    access="accessToken",
    refresh="refreshToken",
    refreshing="/api/auth/refreshtoken",
    refresh_sent="refreshToken",
    sign_out="/api/auth/signout",
    sign_out_body='{{"refreshToken": "{token}"}}',
    jwks="/.well-known/jwks.json",
    promote="INSERT INTO user_roles (user_id, role_id) SELECT id, 3 FROM users WHERE username = 'bench{n}'",
)
EXPRESS = Api(
    sign_up="/api/auth/signup",
    new_account=GATEPOST.new_account,
    sign_in="/api/auth/signin",
    credentials=GATEPOST.credentials,
    access="accessToken",
    refresh="refreshToken",
    token_header="x-access-token: {}",
    refreshing="/api/auth/refreshtoken",
    refresh_sent="refreshToken",
    promote="INSERT INTO user_roles (createdAt, updatedAt, userId, roleId) "
    "SELECT NOW(), NOW(), id, 3 FROM users WHERE username = 'bench{n}'",
)
FASTAPI_USERS = Api(
    sign_up="/auth/register",
    new_account=f'{{"email": "bench{{n}}@example.com", "password": "{PASSWORD}"}}',
    sign_in="/auth/jwt/login",
    credentials=f"username=bench{{n}}@example.com&password={PASSWORD.replace(' ', '+')}",
    sign_in_type=FORM,
    access="access_token",
    sign_out="/auth/jwt/logout",
    promote="UPDATE user SET is_superuser = 1 WHERE email = 'bench{n}@example.com'",
)
DJANGO = Api(
    sign_up="/api/signup/",
    new_account=GATEPOST.new_account,
    sign_in="/api/token/",
    credentials=GATEPOST.credentials,
    access="access",
    refresh="refresh",
    refreshing="/api/token/refresh/",
    refresh_sent="refresh",
    sign_out="/api/token/blacklist/",
    sign_out_body='{{"refresh": "{token}"}}',
    promote="UPDATE auth_user SET is_staff = 1 WHERE username = 'bench{n}'",
)
BETTER_AUTH = Api(
    sign_up="/api/auth/sign-up/email",
    new_account=f'{{"name": "bench{{n}}", "email": "bench{{n}}@example.com", "password": "{PASSWORD}"}}',
    sign_in="/api/auth/sign-in/email",
    credentials=f'{{"email": "bench{{n}}@example.com", "password": "{PASSWORD}"}}',
    access="token",
    sign_out="/api/auth/sign-out",
    jwks="/api/auth/jwks",
    promote="UPDATE user SET role = 'admin' WHERE email = 'bench{n}@example.com'",
)
LIMIT = Api(public="", admin="")
